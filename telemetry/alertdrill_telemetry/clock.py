"""The wall clock of an instance. Log lines and exported metrics use it."""

from __future__ import annotations

import time
from collections.abc import Callable


def no_skew() -> float:
    """Return 0: the clock is right."""
    return 0.0


class Clock:
    """The machine's wall clock, shifted by `skew` seconds."""

    def __init__(
        self, skew: Callable[[], float] = no_skew, real: Callable[[], float] = time.time
    ) -> None:
        self.skew = skew
        self._real = real

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self.apply_skew(self._real())

    def apply_skew(self, timestamp: float) -> float:
        """Return what this clock shows at a real timestamp; both in seconds since 1970."""
        return timestamp + self.skew()
