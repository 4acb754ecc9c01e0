"""Query results and their cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """The points of one series: seconds since 1970, and values."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def has_data(self) -> bool:
        """Whether it has a value that can be drawn: neither NaN nor infinity."""
        return any(math.isfinite(value) for _, value in self.points)


@dataclass(frozen=True)
class Line:
    """One log line, `at` in seconds since 1970."""

    labels: Mapping[str, str]
    at: float
    text: str


@dataclass(frozen=True)
class Cost:
    """The duration of a query, and the samples or bytes that it read."""

    seconds: float = 0.0
    samples: int = 0
    size: int = 0


@dataclass(frozen=True)
class QueryResult:
    """Series, or log lines."""

    series: Sequence[Series] = ()
    lines: Sequence[Line] = ()
    cost: Cost = Cost()

    @property
    def empty(self) -> bool:
        """Whether a panel would show nothing."""
        return not self.lines and not any(series.has_data for series in self.series)
