"""What a data source answered, and what the answer cost."""

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
        """Whether anything of it can be drawn: NaN and infinity can't."""
        return any(math.isfinite(value) for _, value in self.points)


@dataclass(frozen=True)
class Line:
    """One log line, `at` in seconds since 1970."""

    labels: Mapping[str, str]
    at: float
    text: str


@dataclass(frozen=True)
class Cost:
    """The seconds until the answer was there, the samples that were looked at, or the bytes."""

    seconds: float = 0.0
    samples: int = 0
    size: int = 0


@dataclass(frozen=True)
class Answer:
    """Series, or lines."""

    series: Sequence[Series] = ()
    lines: Sequence[Line] = ()
    cost: Cost = Cost()

    @property
    def empty(self) -> bool:
        """Whether a person would see nothing."""
        return not self.lines and not any(one.has_data for one in self.series)
