"""Lines from Loki."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..clients.loki import PAGE_SIZE, Loki, LokiError
from .dedup_window import DedupWindow
from .ordering import MARGIN, last_records, sort_by_time, sort_key
from .parse import MS_NS, parse_loki_line
from .query import Query
from .record import LogRecord

# In milliseconds: Loki limits queries to 30 days, and keeps less (loki/loki.yml).
MAX_RANGE_MS = 30 * 86_400_000
# In milliseconds: a clock may be ahead, and Loki accepts lines up to ten minutes ahead.
MAX_CLOCK_SKEW_MS = 600_000
# In seconds: the collector batches for one second.
POLL_INTERVAL_S = 1.0


class LokiSource:
    """A running Loki; implements `LogSource`. `say` gets the errors while following."""

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
