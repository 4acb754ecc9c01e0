"""The time range of a dashboard or a panel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .durations import milliseconds
from .errors import QueryCheckError

NOW = re.compile(r"now(?:([+-])(\d+[smhdwMy]))?")


@dataclass(frozen=True)
class TimeRange:
    """From `start` to `end`, in milliseconds since 1970."""

    start: int
    end: int

    @property
    def width(self) -> int:
        """Its length."""
        return self.end - self.start

    def aligned(self, step: int) -> TimeRange:
        """Return the range aligned to steps, as Grafana queries Prometheus."""
        return TimeRange(self.start // step * step, self.end // step * step)


def parse_time(text: str, now: int) -> int:
    """Parse a time such as `now-1h`; raise `QueryCheckError` for other formats."""
    parsed = NOW.fullmatch(text)
    if parsed is None:
        raise QueryCheckError(f"invalid time {text!r}: use now, now-1h or the like")
    sign, duration = parsed.groups()
    shift = milliseconds(duration) if duration else 0
    return now - shift if sign == "-" else now + shift


def time_range(start: str, end: str, now: int) -> TimeRange:
    """Return the range between two such times; raise `QueryCheckError` if it is empty."""
    parsed = TimeRange(parse_time(start, now), parse_time(end, now))
    if parsed.width <= 0:
        raise QueryCheckError(
            f"empty time range from {start} to {end}: the end is not after the start"
        )
    return parsed
