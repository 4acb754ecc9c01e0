"""Lines from Loki, where it and the collector run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..loki_client import PAGE_SIZE, LokiClient, LokiError
from .contract import PLACES, of_loki
from .entry import Entry
from .merge import MARGIN, in_order, last, order
from .query import Query
from .window import Window

# In milliseconds: Loki answers no query over more than 30 days, and keeps less (loki/loki.yml).
LONGEST = 30 * 86_400_000
# In milliseconds: a clock may be ahead, and Loki takes lines of up to ten minutes from now.
AHEAD = 600_000
# How often to look for new lines, in seconds: the collector gathers for one.
STEP = 1.0


class Store:
    """A running Loki; implements `Source`. `say` hears of what keeps a follower waiting."""

    def __init__(self, loki: LokiClient, say: Callable[[str], None]) -> None:
        self._loki = loki
        self._say = say
        self._waits = False

    def last(self, query: Query, lines: int | None) -> Iterable[Entry]:
        """Return the last `lines` lines that pass, or all, in order. Raises `LokiError`."""
        if lines is None or lines + MARGIN > PAGE_SIZE:
            every = in_order(self._every(query))
            return every if lines is None else deque(every, lines)
        if lines == 0:
            return []
        found = self._loki.last(query.logql(), _span(query), lines + MARGIN)
        return last(map(of_loki, found), lines)

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[Entry]]:
        """Yield the last lines that pass, then what is added; each time in order."""
        window = Window(_now(), self._newest(query))
        # First those that are no news, so that what comes meanwhile is.
        window.fresh(self._every(_from(query, window.begin())))
        shown = list(self.last(query, lines))
        window.fresh(shown)
        yield shown
        while True:
            time.sleep(STEP)
            yield self._news(query, window)

    def _news(self, query: Query, window: Window) -> Sequence[Entry]:
        begin = window.begin()
        try:
            found = list(self._every(_from(query, begin)))
            newest = self._newest(_from(query, begin))
        except LokiError as error:
            self._wait(error)
            return []
        self._waits = False
        new = window.fresh(found)
        window.note(_now(), newest)
        return sorted(new, key=order)

    def _newest(self, query: Query) -> int | None:
        """Return when the newest line was written of those that are filtered, if there is one."""
        newest = self._loki.last(query.anything().logql(), _span(query), 1)
        return of_loki(newest[0]).at if newest else None

    def _wait(self, error: LokiError) -> None:
        """Say once what is waited for; the lines of meanwhile come afterwards."""
        if not self._waits:
            self._say(f"{error} Waiting for it.")
        self._waits = True

    def _every(self, query: Query) -> Iterator[Entry]:
        return map(of_loki, self._loki.every(query.logql(), _span(query)))


def _from(query: Query, begin: int) -> Query:
    return replace(query, since=max(begin, query.since or 0))


def _span(query: Query) -> tuple[int, int]:
    """Return the span of time of a query, in nanoseconds."""
    begin = max(query.since or 0, _now() - LONGEST)
    end = _now() + AHEAD if query.until is None else query.until
    return begin * PLACES, max(begin, end) * PLACES


def _now() -> int:
    return time.time_ns() // PLACES
