"""Deduplicate the lines of Loki while following. Pure.

Lines reach Loki late, and some instances' lines later than others. So each query begins seconds
before the newest line, and lines already seen are dropped. After an outage the newest line is old,
and the delayed lines of the files arrive in any order. So queries keep the old start for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .record import LogRecord

SECOND_MS = 1_000
# The maximum delay of a line behind an earlier one: twice the time that the collector waits for an
# incomplete line (5 s). Everything else passes its single queue in order.
MAX_LAG_MS = 10 * SECOND_MS
# The time in which delayed lines arrive after an outage. The collector sends 10,000 lines a second,
# so this is enough for 10 minutes at 250 lines a second.
CATCH_UP_MS = 15 * SECOND_MS


class DedupWindow:
    """Remembers the records seen; times are in milliseconds since 1970."""

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
