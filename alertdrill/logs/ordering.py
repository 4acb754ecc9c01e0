"""Lines of several instances in one order. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

from .record import LogRecord

# Who asks writes its line after whom it asked, but within a millisecond times don't tell. All else
# is asked by these: the load balancer between the services, then web, then the public one.
CALL_DEPTH = (("lb", "internal"), ("web", ""), ("lb", "public"))
# How many lines more than asked for are taken, so that a millisecond is not cut in two before its
# lines are put in order: far more than an instance writes in one.
MARGIN = 200


def sort_key(entry: LogRecord) -> tuple[int, int, str, int]:
    """Return what lines are sorted by: time, then the way of a request, then their own order."""
    caller = (entry.service, entry.fields.get("frontend", ""))
    depth = CALL_DEPTH.index(caller) if caller in CALL_DEPTH else -1
    return entry.at, depth, entry.instance, entry.position


def last_records(entries: Iterable[LogRecord], count: int | None) -> list[LogRecord]:
    """Return the last `count` of lines in any order, or all, in order; holds no more of them."""
    if count is None:
        return sorted(entries, key=sort_key)
    if count == 0:
        deque(entries, 0)  # read nevertheless: what follows goes on from there
    return heapq.nlargest(count, entries, key=sort_key)[::-1]


def sort_by_time(entries: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Put lines that come by time in the one order; holds a millisecond of them."""
    for _, same in groupby(entries, key=lambda entry: entry.at):
        yield from sorted(same, key=sort_key)
