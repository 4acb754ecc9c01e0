"""Search for the most clients with whom the objectives hold. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def next_users(held: Mapping[int, bool], first: int, most: int, resolution: float) -> int | None:
    """Return how many clients to try next, None once it is known well enough.

    `held` says of each number that was tried whether the objectives held. Steps double from
    `first` up to `most` until one misses; then it is halfway between the last that held and the
    first that did not, until these are apart by no more than `resolution` of the former.
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
    """Return the most clients with whom the objectives held, below the first that missed; or 0."""
    missed = [users for users, holds in held.items() if not holds]
    limit = min(missed, default=max(held, default=0) + 1)
    return max((users for users, holds in held.items() if holds and users < limit), default=0)
