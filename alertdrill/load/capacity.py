"""Find the capacity: the highest rate of requests at which the objectives hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .profile import LoadError, LoadProfile
from .result import LoadResult
from .run import LoadContext, measure


@dataclass(frozen=True)
class Capacity:
    """The result of a search: its steps in order, at least one."""

    steps: Sequence[LoadResult]

    @property
    def best(self) -> LoadResult | None:
        """Return the largest step below the first failed one; None if the first step failed."""
        users = max_passing({step.profile.users: step.passed for step in self.steps})
        return next((step for step in self.steps if step.profile.users == users), None)

    @property
    def rate(self) -> float:
        """Return the capacity in requests per second; 0 without a passed step."""
        return self.best.rate if self.best else 0.0

    @property
    def limit_found(self) -> bool:
        """Return whether a step failed; otherwise the capacity may be higher."""
        return any(not step.passed for step in self.steps)

    @property
    def per_instance(self) -> Mapping[str, float]:
        """Return the capacity per instance of each service."""
        best = self.best
        return {name: best.rate / n for name, n in best.instances.items()} if best else {}

    def __str__(self) -> str:
        """Return the capacity, in all and per instance, as a sentence."""
        if self.best is None:
            return "The first step misses its objectives: start with fewer clients (--users)."
        at_least = "" if self.limit_found else "at least "
        shares = ", ".join(
            f"{rate:.0f} per instance of {service} ({self.best.instances[service]})"
            for service, rate in self.per_instance.items()
        )
        return f"Capacity: {at_least}{self.rate:.0f} requests/s: {shares}."


def find_capacity(profile: LoadProfile, context: LoadContext, folder: Path) -> Capacity:
    """Find the capacity of the current stack; `profile` is the first step's.

    Each step is a separate Locust run with the profile's objectives; its report is in the folder.
    Raises `LoadError` if a step cannot run.
    """
    search = profile.search
    if search is None:
        raise LoadError(f"{profile.name} has no `search`: use the load `capacity`.")
    passed, steps = dict[int, bool](), list[LoadResult]()
    limit = max(search.max_users, profile.users)
    while users := next_users(passed, profile.users, limit, search.resolution):
        own = folder / f"{users}-clients"
        own.mkdir(exist_ok=True)
        step = measure(profile.resized(users, None), context, own)
        steps.append(step)
        passed[users] = step.passed
        verdict = f"missed: {step.missed}" if step.missed else "holds"
        context.on_progress(f"{users} clients: {step.rate:.0f} requests/s, {verdict}")
    return Capacity(steps)


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
    return (low + high) // 2 if high - low > max(1, resolution * low) else None


def max_passing(results: Mapping[int, bool]) -> int:
    """Return the maximum number of clients that passed, below the first failure; or 0."""
    limit = min((users for users, holds in results.items() if not holds), default=None)
    passed = (users for users, holds in results.items() if holds)
    return max((users for users in passed if limit is None or users < limit), default=0)
