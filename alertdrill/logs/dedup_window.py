"""Which lines of Loki are new to one who follows. Pure.

Lines come to Loki late, and those of one instance later than another's. So each look begins some
seconds before the newest line that Loki had, and shows what was not shown yet. After an outage the
newest line is an old one for a while, with all that was held up behind it; the lines of one file
may then come before those of another. So looks go on beginning at an old place for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .record import LogRecord

SECOND_MS = 1_000
# How far a line may be behind one that came before it: twice as long as the collector waits for
# the end of half a line (5 s). All else goes through its one queue, in order.
MAX_LAG_MS = 10 * SECOND_MS
# How long what was held up may take to arrive once something does. The collector carries some
# 10,000 lines a second, so this is 10 minutes of 250 lines a second.
CATCH_UP_MS = 15 * SECOND_MS


class DedupWindow:
    """Remembers what was shown; all times are in milliseconds since 1970."""

    def __init__(self, now: int, newest: int | None = None) -> None:
        self._shown: dict[object, int] = {}
        # When each was known to be the newest for the last time, and its time.
        self._newest: list[tuple[int, int]] = [(now, min(newest or now, now))]

    def search_start(self) -> int:
        """Return from when on to look."""
        return min(time for _, time in self._newest) - MAX_LAG_MS

    def update(self, now: int, newest: int | None) -> None:
        """Learn which line is the newest; None where there is none since `begin`."""
        _, before = self._newest.pop()
        # It never goes back, or old lines would be new, and a clock ahead hides nothing.
        self._newest += [(now, before), (now, max(before, min(newest or before, now)))]
        self._newest = [known for known in self._newest if known[0] >= now - CATCH_UP_MS]

    def take_new(self, entries: Iterable[LogRecord]) -> Sequence[LogRecord]:
        """Return those that were not shown yet, and take them for shown."""
        found = {_identity(entry): entry for entry in entries}
        new = [entry for identity, entry in found.items() if identity not in self._shown]
        begin = self.search_start()
        self._shown |= {identity: entry.at for identity, entry in found.items()}
        self._shown = {what: at for what, at in self._shown.items() if at >= begin}
        return new


def _identity(entry: LogRecord) -> object:
    return entry.at, entry.position, entry.message, tuple(sorted(entry.fields.items()))
