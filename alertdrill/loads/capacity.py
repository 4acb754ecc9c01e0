"""What the stack as it is can do: the highest rate at which the objectives hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..runtimes.base import ProgressCallback
from . import observed, search
from .errors import LoadError
from .plan import Plan
from .run import Ground, Measured, Size, measure


@dataclass(frozen=True)
class Step:
    """So many clients, what was counted of them, and how many instances answered, by service."""

    users: int
    seconds: float
    measured: Measured
    instances: Mapping[str, int]

    @property
    def held(self) -> bool:
        """Tell whether the objectives held."""
        return all(check.passed for check in self.measured.checks)

    @property
    def rate(self) -> float:
        """Return the requests a second that were answered, as Locust has them."""
        return self.measured.locust.total.requests / self.seconds


@dataclass(frozen=True)
class Capacity:
    """The steps in the order in which they were made; `most` is where the search ends anyway."""

    plan: Plan
    began: float
    runtime: str
    steps: Sequence[Step]
    most: int

    @property
    def best(self) -> Step | None:
        """Return the step with the highest rate below the first that missed; None without one."""
        users = search.best({step.users: step.held for step in self.steps})
        return next((step for step in self.steps if step.users == users), None)

    @property
    def rate(self) -> float:
        """Return the capacity in requests a second."""
        return self.best.rate if self.best else 0.0

    @property
    def bounded(self) -> bool:
        """Tell whether a step missed: else there may be more capacity than was looked for."""
        return any(not step.held for step in self.steps)

    def per_instance(self) -> Mapping[str, float]:
        """Return the requests a second per instance of each service."""
        best = self.best
        return {name: best.rate / n for name, n in best.instances.items()} if best else {}


def capacity(
    plan: Plan, size: Size, ground: Ground, folder: Path, on_progress: ProgressCallback
) -> Capacity:
    """Search the capacity of the stack as it is; `size` is the first step's.

    Each step is a run of Locust of its own, judged by the plan's objectives as any load; its
    page is in the folder. Raises `LoadError` where a step could not be made.
    """
    if plan.search is None:
        raise LoadError(f"{plan.name} searches for nothing: capacity does.")
    began, steps = time.time(), list[Step]()
    most = max(plan.search.most, size.users)
    while users := search.next_users(
        {step.users: step.held for step in steps}, size.users, most, plan.search.resolution
    ):
        step = _step(plan, Size(users, size.seconds), ground, folder)
        on_progress(f"{users} clients: {_words(step)}")
        steps.append(step)
    return Capacity(plan, began, ground.runtime.name, steps, most)


def _step(plan: Plan, size: Size, ground: Ground, folder: Path) -> Step:
    own = folder / f"{size.users}-clients"
    own.mkdir(exist_ok=True)
    measured = measure(replace(plan, lasts=size.seconds), size, ground, own)
    instances = observed.served(ground.prometheus, measured.span)
    return Step(size.users, size.seconds - plan.warmup, measured, instances)


def _words(step: Step) -> str:
    missed = [check.what for check in step.measured.checks if not check.passed]
    return f"{step.rate:.0f} requests/s, {'missed: ' + ', '.join(missed) if missed else 'holds'}"
