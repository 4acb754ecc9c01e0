"""Axes of a chart: the scale from values to pixels, its range and its ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear mapping from the values `low` to `high` to the pixels `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value in pixels."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def step(span: float, count: int) -> float:
    """Return the round step (1, 2 or 5 times a power of ten) for about `count` ticks."""
    rough = span / count
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round values from `low` to `high`."""
    size = step(high - low, count)
    first, last = math.ceil(low / size - 1e-9), math.floor(high / size + 1e-9)
    return [round(index * size, 12) for index in range(first, last + 1)]


def domain(values: Iterable[float]) -> tuple[float, float]:
    """Return round bounds around the values, including 0 if it is near.

    Without values, or if all are equal, the bounds still leave room for a line.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    # 0 is near if it is within twice the range of the values: it then costs half of the chart.
    if 0 < low <= 2 * (high - low) or low == high > 0:
        low = 0.0
    if high < 0 and -high <= 2 * (high - low):
        high = 0.0
    if low == high:
        high = low + 1.0
    size = step(high - low, 4)
    return math.floor(low / size + 1e-9) * size, math.ceil(high / size - 1e-9) * size
