"""Find the capacity: the highest rate at which the objectives hold."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..runtimes.base import ProgressCallback
from . import measurements
from .errors import LoadError
from .profile import LoadProfile
from .run import LoadContext, LoadSize, Measurement, measure


@dataclass(frozen=True)
class CapacityStep:
    """One load of the search: its clients, its counts, and the instances that answered."""

    users: int
    seconds: float
    measurement: Measurement
    instances: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Return whether the objectives held."""
        return all(gate.passed for gate in self.measurement.gates)

    @property
    def rate(self) -> float:
        """Return the requests per second, by Locust's count."""
        return self.measurement.locust.total.requests / self.seconds


@dataclass(frozen=True)
class Capacity:
    """The steps in order; the search never exceeds `max_users` clients."""

    profile: LoadProfile
    began: float
    runtime: str
    steps: Sequence[CapacityStep]
    max_users: int

    @property
    def best(self) -> CapacityStep | None:
        """Return the largest step below the first failed one; None if the first step failed."""
        users = max_passing({step.users: step.passed for step in self.steps})
        return next((step for step in self.steps if step.users == users), None)

    @property
    def rate(self) -> float:
        """Return the capacity in requests per second; 0 without a passed step."""
        return self.best.rate if self.best else 0.0

    @property
    def limit_found(self) -> bool:
        """Return whether a step failed; otherwise the capacity may be higher."""
        return any(not step.passed for step in self.steps)

    def per_instance(self) -> Mapping[str, float]:
        """Return the capacity per instance of each service."""
        best = self.best
        return {name: best.rate / n for name, n in best.instances.items()} if best else {}


def find_capacity(
    profile: LoadProfile,
    size: LoadSize,
    context: LoadContext,
    folder: Path,
    on_progress: ProgressCallback,
) -> Capacity:
    """Find the capacity of the current stack; `size` is the first step's.

    Each step is a separate Locust run with the profile's objectives; its report is in the folder.
    Raises `LoadError` if a step cannot run.
    """
    if profile.search is None:
        raise LoadError(f"{profile.name} has no `search`: use the load `capacity`.")
    began, steps = time.time(), list[CapacityStep]()
    max_users = max(profile.search.max_users, size.users)
    while users := next_users(
        {step.users: step.passed for step in steps},
        size.users,
        max_users,
        profile.search.resolution,
    ):
        step = _step(profile, LoadSize(users, size.seconds), context, folder)
        on_progress(f"{users} clients: {_describe(step)}")
        steps.append(step)
    return Capacity(profile, began, context.runtime.name, steps, max_users)


def _step(profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path) -> CapacityStep:
    own = folder / f"{size.users}-clients"
    own.mkdir(exist_ok=True)
    measured = measure(replace(profile, duration=size.seconds), size, context, own)
    instances = measurements.answering_instances(context.prometheus, measured.time_span)
    return CapacityStep(size.users, size.seconds - profile.warmup, measured, instances)


def _describe(step: CapacityStep) -> str:
    missed = [gate.name for gate in step.measurement.gates if not gate.passed]
    return f"{step.rate:.0f} requests/s, {'missed: ' + ', '.join(missed) if missed else 'holds'}"


def next_users(
    results: Mapping[int, bool], first: int, max_users: int, resolution: float
) -> int | None:
    """Return the next number of clients to try; None once the result is precise enough.

    `results` maps each number tried to whether the objectives held. Steps double from `first` up to
    `max_users` until one fails. Then the search bisects between the last passed and the first
    failed step, until they differ by at most `resolution` of the former.
    """
    if not results:
        return min(first, max_users)
    low = max_passing(results)
    high = min((users for users, holds in results.items() if not holds), default=None)
    if high is None:
        return min(2 * low, max_users) if low < max_users else None
    if high - low <= max(1, resolution * low):
        return None
    return (low + high) // 2


def max_passing(results: Mapping[int, bool]) -> int:
    """Return the maximum number of clients that passed, below the first failure; or 0."""
    missed = [users for users, holds in results.items() if not holds]
    limit = min(missed, default=max(results, default=0) + 1)
    return max((users for users, holds in results.items() if holds and users < limit), default=0)
