"""When each request leaves: at a steady rate, and slower while a step outlasts its share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# While a step is under way, what is left of its share is spread over this many seconds: most
# steps are over by then, and one that is not finds traffic for three times as long.
SPREAD_S = 10.0
# Who is late by no more than this catches up; one that was held up for longer begins anew, for a
# burst is no steady rate.
MAX_LAG_S = 1.0


def request_interval(rate: float, left: int | None) -> float:
    """Return the seconds between two requests; `left` are those that a step may still have."""
    if left is None:
        return 1 / rate
    return 1 / min(rate, left / SPREAD_S) if left > 0 else float("inf")


class RequestScheduler:
    """Hands out the numbers from 0 to `total`, each when it is due; for several threads."""

    def __init__(self, total: int, rate: float) -> None:
        self.total = total
        self._rate = rate
        self._sent = 0
        self._last = time.monotonic()
        self._until: int | None = None
        self._stopped = False
        self._changed = threading.Condition()

    @property
    def sent(self) -> int:
        """Return how many numbers have been handed out."""
        return self._sent

    def next_number(self) -> int | None:
        """Return the next number once it is due, None where there is none any more."""
        with self._changed:
            while not self._stopped and self._sent < self.total:
                wait = self._due() - time.monotonic()
                if wait <= 0:
                    return self._next()
                self._changed.wait(min(wait, MAX_LAG_S))
        return None

    def _due(self) -> float:
        left = None if self._until is None else self._until - self._sent
        return self._last + request_interval(self._rate, left)

    def _next(self) -> int:
        now, due = time.monotonic(), self._due()
        self._last = due if now - due < MAX_LAG_S else now
        self._sent += 1
        self._changed.notify_all()
        return self._sent - 1

    def wait_until_sent(self, count: int) -> None:
        """Wait until so many have been handed out, or it was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._sent >= count)

    @contextmanager
    def slow_down(self, until: int) -> Iterator[None]:
        """Have the numbers up to `until` last for as long as this does."""
        self._set(until)
        try:
            yield
        finally:
            self._set(None)

    def stop(self) -> None:
        """Hand out no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _set(self, until: int | None) -> None:
        with self._changed:
            self._until = until
            self._changed.notify_all()
