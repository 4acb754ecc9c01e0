"""What the stack as it is can do: the highest rate at which the objectives hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..runtimes.base import ProgressCallback
from . import capacity_search, measurements
from .errors import LoadError
from .profile import LoadProfile
from .run import LoadContext, LoadSize, Measurement, measure


@dataclass(frozen=True)
class CapacityStep:
    """So many clients, what was counted of them, and how many instances answered, by service."""

    users: int
    seconds: float
    measurement: Measurement
    instances: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Tell whether the objectives held."""
        return all(check.passed for check in self.measurement.gates)

    @property
    def rate(self) -> float:
        """Return the requests a second that were answered, as Locust has them."""
        return self.measurement.locust.total.requests / self.seconds


@dataclass(frozen=True)
class Capacity:
    """The steps in the order in which they were made; `most` is where the search ends anyway."""

    profile: LoadProfile
    began: float
    runtime: str
    steps: Sequence[CapacityStep]
    max_users: int

    @property
    def best(self) -> CapacityStep | None:
        """Return the step with the highest rate below the first that missed; None without one."""
        users = capacity_search.max_passing({step.users: step.passed for step in self.steps})
        return next((step for step in self.steps if step.users == users), None)

    @property
    def rate(self) -> float:
        """Return the capacity in requests a second."""
        return self.best.rate if self.best else 0.0

    @property
    def limit_found(self) -> bool:
        """Tell whether a step missed: else there may be more capacity than was looked for."""
        return any(not step.passed for step in self.steps)

    def per_instance(self) -> Mapping[str, float]:
        """Return the requests a second per instance of each service."""
        best = self.best
        return {name: best.rate / n for name, n in best.instances.items()} if best else {}


def find_capacity(
    plan: LoadProfile,
    size: LoadSize,
    ground: LoadContext,
    folder: Path,
    on_progress: ProgressCallback,
) -> Capacity:
    """Search the capacity of the stack as it is; `size` is the first step's.

    Each step is a run of Locust of its own, judged by the plan's objectives as any load; its
    page is in the folder. Raises `LoadError` where a step could not be made.
    """
    if plan.search is None:
        raise LoadError(f"{plan.name} searches for nothing: capacity does.")
    began, steps = time.time(), list[CapacityStep]()
    most = max(plan.search.max_users, size.users)
    while users := capacity_search.next_users(
        {step.users: step.passed for step in steps}, size.users, most, plan.search.resolution
    ):
        step = _step(plan, LoadSize(users, size.seconds), ground, folder)
        on_progress(f"{users} clients: {_describe(step)}")
        steps.append(step)
    return Capacity(plan, began, ground.runtime.name, steps, most)


def _step(plan: LoadProfile, size: LoadSize, ground: LoadContext, folder: Path) -> CapacityStep:
    own = folder / f"{size.users}-clients"
    own.mkdir(exist_ok=True)
    measured = measure(replace(plan, duration=size.seconds), size, ground, own)
    instances = measurements.answering_instances(ground.prometheus, measured.time_span)
    return CapacityStep(size.users, size.seconds - plan.warmup, measured, instances)


def _describe(step: CapacityStep) -> str:
    missed = [check.name for check in step.measurement.gates if not check.passed]
    return f"{step.rate:.0f} requests/s, {'missed: ' + ', '.join(missed) if missed else 'holds'}"
