"""The wall clock as this instance sees it; what is logged and exported goes by it."""

from __future__ import annotations

import time
from collections.abc import Callable


def on_time() -> float:
    """Be no second ahead."""
    return 0.0


class Clock:
    """The machine's wall clock, and by how many seconds the instance sees it `ahead`."""

    def __init__(
        self, ahead: Callable[[], float] = on_time, real: Callable[[], float] = time.time
    ) -> None:
        self.ahead = ahead
        self._real = real

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self.as_seen(self._real())

    def as_seen(self, moment: float) -> float:
        """Return what this clock showed at a real moment; both in seconds since 1970."""
        return moment + self.ahead()
