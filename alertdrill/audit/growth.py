"""What counters grew by, exactly, also where their programs were restarted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# As Prometheus answers a query for a range: each row has `metric` and `values`.
Rows = Sequence[Mapping[str, Any]]


def growth(counters: Rows, starts: Rows, since: float) -> int:
    """Add up what counters grew by since a moment: `increase()` extrapolates.

    `starts` are the samples of process_start_time_seconds over the same range. It must reach back
    to before `since`, where a counter existed then.
    """
    started = {
        (row["metric"].get("instance"), moment): start
        for row in starts
        for moment, start in row["values"]
    }
    return sum(_grown(row, started, since) for row in counters)


def _grown(row: Mapping[str, Any], started: Mapping[tuple[Any, float], str], since: float) -> int:
    instance, total = row["metric"].get("instance"), 0.0
    last, start = 0.0, None
    for moment, text in row["values"]:
        # A counter begins at 0 with its process. That it fell does not tell: an instance that
        # stood by may count past its old value before it is scraped again.
        if started.get((instance, moment)) != start:
            last, start = 0.0, started.get((instance, moment))
        total += float(text) - last if moment > since else 0
        last = float(text)
    return int(total)
