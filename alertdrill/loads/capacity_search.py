"""Search for the maximum of clients with which the objectives hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def next_users(held: Mapping[int, bool], first: int, most: int, resolution: float) -> int | None:
    """Return the next number of clients to try; None once the result is precise enough.

    `held` maps each number tried to whether the objectives held. Steps double from `first` up to
    `most` until one fails. Then the search bisects between the last passed and the first failed
    step, until they differ by at most `resolution` of the former.
    """
    if not held:
        return min(first, most)
    low = max_passing(held)
    high = min((users for users, holds in held.items() if not holds), default=None)
    if high is None:
        return min(2 * low, most) if low < most else None
    if high - low <= max(1, resolution * low):
        return None
    return (low + high) // 2


def max_passing(held: Mapping[int, bool]) -> int:
    """Return the maximum of clients that passed, below the first failure; or 0."""
    missed = [users for users, holds in held.items() if not holds]
    limit = min(missed, default=max(held, default=0) + 1)
    return max((users for users, holds in held.items() if holds and users < limit), default=0)
