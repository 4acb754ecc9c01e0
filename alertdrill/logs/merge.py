"""Lines of several instances in one order. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

from .entry import Entry

# Who asks writes its line after whom it asked, but within a millisecond times don't tell. All else
# is asked by these: the load balancer between the services, then web, then the public one.
CALLERS = (("lb", "internal"), ("web", ""), ("lb", "public"))
# How many lines more than asked for are taken, so that a millisecond is not cut in two before its
# lines are put in order: far more than an instance writes in one.
MARGIN = 200


def order(entry: Entry) -> tuple[int, int, str, int]:
    """Return what lines are sorted by: time, then the way of a request, then their own order."""
    caller = (entry.service, entry.fields.get("frontend", ""))
    depth = CALLERS.index(caller) if caller in CALLERS else -1
    return entry.at, depth, entry.instance, entry.place


def last(entries: Iterable[Entry], count: int | None) -> list[Entry]:
    """Return the last `count` of lines in any order, or all, in order; holds no more of them."""
    if count is None:
        return sorted(entries, key=order)
    if count == 0:
        deque(entries, 0)  # read nevertheless: what follows goes on from there
    return heapq.nlargest(count, entries, key=order)[::-1]


def in_order(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Put lines that come by time in the one order; holds a millisecond of them."""
    for _, same in groupby(entries, key=lambda entry: entry.at):
        yield from sorted(same, key=order)
