"""Order the lines of several instances. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

from .record import LogRecord

# A caller writes its access line after the callee, but within a millisecond times are equal. The
# callers from the inside out: the internal load balancer, web, the public load balancer.
CALL_DEPTH = (("lb", "internal"), ("web", ""), ("lb", "public"))
# Extra lines to read, so that the lines of one millisecond are complete before sorting: more than
# an instance writes in a millisecond.
MARGIN = 200


def sort_key(entry: LogRecord) -> tuple[int, int, str, bool, int]:
    """Return the sort key: time, then call depth, then the instance's order.

    An access line ends its request, so it follows the other lines of its millisecond: Loki returns
    lines of the same time in any order.
    """
    caller = (entry.service, entry.fields.get("frontend", ""))
    depth = CALL_DEPTH.index(caller) if caller in CALL_DEPTH else -1
    is_access = entry.fields.get("logger") == "access"
    return entry.at, depth, entry.instance, is_access, entry.position


def last_records(entries: Iterable[LogRecord], count: int | None) -> list[LogRecord]:
    """Return the last `count` records, or all, sorted; keeps at most `count` in memory."""
    if count is None:
        return sorted(entries, key=sort_key)
    if count == 0:
        deque(entries, 0)  # consumed, since following continues from there
    return heapq.nlargest(count, entries, key=sort_key)[::-1]


def sort_by_time(entries: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Sort records that arrive by time; keeps one millisecond of them in memory."""
    for _, same in groupby(entries, key=lambda entry: entry.at):
        yield from sorted(same, key=sort_key)
