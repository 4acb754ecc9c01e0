"""Search for the maximum number of clients with which the objectives hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping


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
