"""Where values are on an axis, and which of them are worth a label."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A straight line from values to places, in pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return a value's place."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def step(span: float, count: int) -> float:
    """Return the round distance (1, 2 or 5 times a power of ten) of about so many ticks."""
    rough = span / count
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return the round values from `low` to `high`, about so many."""
    each = step(high - low, count)
    first, last = math.ceil(low / each - 1e-9), math.floor(high / each + 1e-9)
    return [round(at * each, 12) for at in range(first, last + 1)]


def domain(values: Iterable[float]) -> tuple[float, float]:
    """Return round bounds around the values, with 0 where it is not far away.

    Without values, and where all are the same, there is still room for a line.
    """
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    # As far from 0 as all of the values are from each other: then 0 only costs half of the chart.
    if 0 < low <= 2 * (high - low) or low == high > 0:
        low = 0.0
    if high < 0 and -high <= 2 * (high - low):
        high = 0.0
    if low == high:
        high = low + 1.0
    each = step(high - low, 4)
    return math.floor(low / each + 1e-9) * each, math.ceil(high / each - 1e-9) * each
