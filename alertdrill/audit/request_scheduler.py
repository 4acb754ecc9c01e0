"""Schedule requests: at a steady rate, and slower while a step takes longer than planned."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# During a step its remaining requests are spread over this many seconds. Most steps end earlier;
# a longer one still has traffic for three times as long.
SPREAD_S = 10.0
# A delay up to this is caught up. After a longer one the schedule restarts, to avoid a burst.
MAX_LAG_S = 1.0


def request_interval(rate: float, left: int | None) -> float:
    """Return the seconds between two requests; `left` is the step's remaining requests."""
    if left is None:
        return 1 / rate
    return 1 / min(rate, left / SPREAD_S) if left > 0 else float("inf")


class RequestScheduler:
    """Returns the numbers from 0 to `total`, each when it is due. Thread-safe."""

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
        """Return the count of numbers returned so far."""
        return self._sent

    def next_number(self) -> int | None:
        """Wait and return the next number; None after the last or after `stop`."""
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
        """Wait until `count` numbers were returned, or `stop` was called."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._sent >= count)

    @contextmanager
    def slow_down(self, until: int) -> Iterator[None]:
        """Slow down, so that the numbers up to `until` last as long as the block."""
        self._set(until)
        try:
            yield
        finally:
            self._set(None)

    def stop(self) -> None:
        """Return no more numbers."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _set(self, until: int | None) -> None:
        with self._changed:
            self._until = until
            self._changed.notify_all()
