"""The two sources of log lines: the log files, and Loki.

Each returns the last `lines` matching records of a query (None is all), and follows it: it yields
the last ones, then groups of new ones, each in order.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from ..clients.loki import PAGE_SIZE, Loki, LokiError
from ..runtimes.base import StackRuntime
from .parse import MS_NS, parse_file_line, parse_loki_line
from .query import Query
from .record import MARGIN, LogRecord, last_records, sort_by_time, sort_key

# The names of the time field in other programs' lines.
TIME_FIELDS = ("time", "ts", "t")
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


class FileSource:
    """The log files of a runtime, or its container engine's."""

    def __init__(self, runtime: StackRuntime, target: str | None) -> None:
        self._runtime = runtime
        self._target = target

    def last(self, query: Query, lines: int | None) -> Iterable[LogRecord]:
        """Return the last `lines` matching lines, or all, in order."""
        stored = self._runtime.logs(self._target, _lines_per_instance(query, lines))
        return last_records(LineReader(query).passing(stored), lines)

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last matching lines, then new ones, each group in order."""
        read = LineReader(query)
        groups = iter(self._runtime.follow(self._target, _lines_per_instance(query, lines)))
        yield last_records(read.passing(next(groups)), lines)
        for group in groups:
            yield sorted(read.passing(group), key=sort_key)


def _lines_per_instance(query: Query, lines: int | None) -> int | None:
    """Return how many lines of each instance to read; None is all."""
    return lines + MARGIN if lines and query.matches_all else 0 if lines == 0 else None


class LineReader:
    """Parses the lines of several instances, and filters them."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._numbers = count()
        # A line without a time gets that of the line before it.
        self._before: dict[str, int] = {}

    def passing(self, lines: Iterable[tuple[str, str]]) -> Iterator[LogRecord]:
        """Yield the matching lines; their position counts all lines read."""
        trace = self._query.trace or ""
        for instance, text in lines:
            # A line without the trace id cannot match: skip parsing it.
            if trace in text:
                entry = self._entry(instance, text)
                if self._query.matches(entry):
                    yield entry

    def _entry(self, instance: str, text: str) -> LogRecord:
        at = self._before.get(instance, 0)
        entry = parse_file_line(instance, text, at, next(self._numbers))
        if entry.unstructured and (timestamp := _time(text)) is not None:
            entry = parse_file_line(instance, text, timestamp, entry.position)
        self._before[instance] = entry.at
        return entry


def _time(text: str) -> int | None:
    """Return the time in an unstructured JSON line, in milliseconds since 1970."""
    if not text.startswith("{"):
        return None
    try:
        line = json.loads(text)
        [timestamp, *_] = [line[name] for name in TIME_FIELDS if name in line]
        seconds = (
            timestamp
            if isinstance(timestamp, float)
            else datetime.fromisoformat(timestamp).timestamp()
        )
        return round(seconds * 1000)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None


class LokiSource:
    """A running Loki. `say` gets the errors while following."""

    def __init__(self, loki: Loki, say: Callable[[str], None]) -> None:
        self._loki = loki
        self._say = say
        self._waits = False

    def last(self, query: Query, lines: int | None) -> Iterable[LogRecord]:
        """Return the last `lines` matching records, or all, in order. Raises `LokiError`."""
        if lines is None or lines + MARGIN > PAGE_SIZE:
            every = sort_by_time(self._every(query))
            return every if lines is None else deque(every, lines)
        if lines == 0:
            return []
        loki_lines = self._loki.last(query.logql(), _span(query), lines + MARGIN)
        return last_records(map(parse_loki_line, loki_lines), lines)

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last matching records, then new ones, each group in order."""
        window = DedupWindow(_now(), self._newest(query))
        # Mark existing records as seen first, so that those that arrive meanwhile are new.
        window.take_new(self._every(_from(query, window.search_start())))
        shown = list(self.last(query, lines))
        window.take_new(shown)
        yield shown
        while True:
            time.sleep(POLL_INTERVAL_S)
            yield self._news(query, window)

    def _news(self, query: Query, window: DedupWindow) -> Sequence[LogRecord]:
        begin = window.search_start()
        try:
            records = list(self._every(_from(query, begin)))
            newest = self._newest(_from(query, begin))
        except LokiError as error:
            self._wait(error)
            return []
        self._waits = False
        new = window.take_new(records)
        window.update(_now(), newest)
        return sorted(new, key=sort_key)

    def _newest(self, query: Query) -> int | None:
        """Return the time of the newest unfiltered line, if any."""
        newest = self._loki.last(query.without_filters().logql(), _span(query), 1)
        return parse_loki_line(newest[0]).at if newest else None

    def _wait(self, error: LokiError) -> None:
        """Report an outage once; its lines follow afterwards."""
        if not self._waits:
            self._say(f"{error} Waiting for it.")
        self._waits = True

    def _every(self, query: Query) -> Iterator[LogRecord]:
        return map(parse_loki_line, self._loki.every(query.logql(), _span(query)))


def _from(query: Query, begin: int) -> Query:
    return replace(query, since=max(begin, query.since or 0))


def _span(query: Query) -> tuple[int, int]:
    """Return the time range of a query, in nanoseconds."""
    begin = max(query.since or 0, _now() - MAX_RANGE_MS)
    end = _now() + MAX_CLOCK_SKEW_MS if query.until is None else query.until
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
        by_identity = {_identity(entry): entry for entry in entries}
        new = [entry for identity, entry in by_identity.items() if identity not in self._shown]
        begin = self.search_start()
        self._shown |= {identity: entry.at for identity, entry in by_identity.items()}
        self._shown = {what: at for what, at in self._shown.items() if at >= begin}
        return new


def _identity(entry: LogRecord) -> object:
    return entry.at, entry.position, entry.message, tuple(sorted(entry.fields.items()))
