"""The two sources of log lines: the log files, and Loki.

Each yields groups of the last `lines` matching records (None is all), then, while it is followed,
groups of new ones. The records of each group are in order.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, count

from ..clients.http import UnreachableError
from ..clients.loki import PAGE_SIZE, Loki
from ..runtimes.base import StackRuntime
from .parse import MS_NS, parse_file_line, parse_loki_line
from .query import Query
from .record import MARGIN, LogRecord, group_by_time, last_records, sort_key

# In milliseconds: Loki limits queries to 30 days, and keeps less (loki/loki.yml).
MAX_RANGE_MS = 30 * 86_400_000
# In milliseconds: a clock may be ahead, and Loki accepts lines up to ten minutes ahead.
MAX_CLOCK_SKEW_MS = 600_000
# In seconds: the collector batches for one second.
POLL_INTERVAL_S = 1.0
SECOND_MS = 1_000
# The maximum delay of a line behind an earlier one: twice the time that the collector waits for an
# incomplete line (5 s). Everything else passes its single queue in order.
MAX_LAG_MS = 10 * SECOND_MS
# The time in which delayed lines arrive after an outage. The collector sends 10,000 lines a second,
# so this is enough for 10 minutes at 250 lines a second.
CATCH_UP_MS = 15 * SECOND_MS


def read_files(
    runtime: StackRuntime, target: str | None, query: Query, lines: int | None, *, follow: bool
) -> Iterator[Sequence[LogRecord]]:
    """Yield the matching records of a runtime's log files, or of its container engine's."""
    # Without filters, the last lines of each instance are enough.
    kept = lines and lines + MARGIN if query == Query() or not lines else None
    batches = runtime.follow(target, kept) if follow else iter([runtime.logs(target, kept)])
    places = count()
    times: dict[str, int] = {}

    def matching(batch: Iterable[tuple[str, str]]) -> Iterator[LogRecord]:
        for instance, text in batch:
            # A line without the trace id cannot match: skip parsing it.
            if (query.trace or "") in text:
                # A line without a time gets that of the line before it.
                at = times.get(instance, 0)
                entry = parse_file_line(instance, text, at, next(places))
                times[instance] = entry.at
                if query.matches(entry):
                    yield entry

    yield last_records(matching(next(batches)), lines)
    for batch in batches:
        yield sorted(matching(batch), key=sort_key)


class LokiSource:
    """The matching records of a running Loki, of the instances with these labels.

    `say` gets the errors while following.
    """

    def __init__(
        self, loki: Loki, query: Query, labels: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._loki = loki
        self._query = query
        self._labels = labels
        self._say = say

    def read(self, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last records, or all. Raises `UnreachableError`."""
        if lines is None or lines + MARGIN > PAGE_SIZE:
            groups = group_by_time(self._every())
            yield from groups if lines is None else [deque(chain.from_iterable(groups), lines)]
        elif lines:
            newest = self._loki.last(self._query.logql(self._labels), self._span(), lines + MARGIN)
            yield last_records(map(parse_loki_line, newest), lines)

    def follow(self, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last records, then new ones. Only the first queries raise an error."""
        window = DedupWindow(_now(), self._newest())
        # Mark existing records as seen first, so that those that arrive meanwhile are new.
        window.take_new(self._every(window.search_start()))
        shown = list(chain.from_iterable(self.read(lines)))
        window.take_new(shown)
        yield shown
        waiting = False
        while True:
            time.sleep(POLL_INTERVAL_S)
            begin = window.search_start()
            new: Sequence[LogRecord] = []
            try:
                records, newest = list(self._every(begin)), self._newest(begin)
            except UnreachableError as error:
                if not waiting:
                    self._say(f"{error} Waiting for it.")
                waiting = True
            else:
                waiting = False
                new = window.take_new(records)
                window.update(_now(), newest)
            yield sorted(new, key=sort_key)

    def _every(self, since: int = 0) -> Iterator[LogRecord]:
        logql = self._query.logql(self._labels)
        return map(parse_loki_line, self._loki.every(logql, self._span(since)))

    def _newest(self, since: int = 0) -> int | None:
        """Return the time of the newest unfiltered line, if any."""
        newest = self._loki.last(Query().logql(self._labels), self._span(since), 1)
        return newest[0].at // MS_NS if newest else None

    def _span(self, since: int = 0) -> tuple[int, int]:
        """Return the time range of the query from a time on, in nanoseconds."""
        begin = max(since, self._query.since or 0, _now() - MAX_RANGE_MS)
        end = _now() + MAX_CLOCK_SKEW_MS if self._query.until is None else self._query.until
        return begin * MS_NS, max(begin, end) * MS_NS


def _now() -> int:
    return time.time_ns() // MS_NS


class DedupWindow:
    """Remembers the records seen while following; times are in milliseconds since 1970.

    Lines reach Loki late, and some instances' lines later than others. So each query begins seconds
    before the newest line, and lines already seen are dropped. After an outage the newest line is
    old, and the delayed lines of the files arrive in any order. So queries keep the old start for a
    while.
    """

    def __init__(self, now: int, newest: int | None = None) -> None:
        self._shown: dict[object, int] = {}
        # Pairs: when a line was last known to be the newest, and the line's time.
        self._newest: list[tuple[int, int]] = [(now, min(newest or now, now))]

    def search_start(self) -> int:
        """Return the start of the next query."""
        return min(time for _, time in self._newest) - MAX_LAG_MS

    def update(self, now: int, newest: int | None) -> None:
        """Record the newest line's time; None if there is none since `search_start`."""
        _, before = self._newest.pop()
        # It never decreases, or old lines would count as new. `now` bounds a clock that is ahead.
        self._newest += [(now, before), (now, max(before, min(newest or before, now)))]
        self._newest = [item for item in self._newest if item[0] >= now - CATCH_UP_MS]

    def take_new(self, entries: Iterable[LogRecord]) -> Sequence[LogRecord]:
        """Return the records not seen yet, and mark them as seen."""
        records = {
            (entry.at, entry.position, entry.message, *sorted(entry.fields.items())): entry
            for entry in entries
        }
        new = [entry for identity, entry in records.items() if identity not in self._shown]
        begin = self.search_start()
        self._shown |= {identity: entry.at for identity, entry in records.items()}
        self._shown = {identity: at for identity, at in self._shown.items() if at >= begin}
        return new
