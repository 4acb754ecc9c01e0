"""Durations, time ranges and steps, calculated as in Grafana; all are in milliseconds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from .dashboard_file import QueryCheckError

# Grafana's month has 30 days, its year 365.
UNITS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "M": 2_592_000_000,
    "y": 31_536_000_000,
}
# Grafana's rounding of intervals (rangeutil.ts, roundInterval): up to each bound, the interval at
# the same index.
BOUNDS = (
    *(10, 15, 35, 75, 150, 350, 750, 1500, 3500, 7500, 12_500, 17_500, 25_000, 45_000),
    *(90_000, 210_000, 450_000, 750_000, 1_050_000, 1_500_000, 2_700_000, 5_400_000, 9_000_000),
    *(16_200_000, 32_400_000, 86_400_000, 604_800_000, 1_814_400_000, 3_628_800_000),
)
ROUND = (
    *(1, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000),
    *(10_800_000, 21_600_000, 43_200_000, 86_400_000, 604_800_000, 2_592_000_000, 31_536_000_000),
)
NOW = re.compile(r"now(?:-(\d+[smhdwMy]))?")
# Prometheus rejects queries with more points per series.
MAX_POINTS = 11_000
# The rate interval in scrapes: rate() needs two samples, and some may be missing.
SCRAPES = 4
# Loki returns at most this many points.
LOKI_MAX_POINTS = 11_000


def milliseconds(text: str) -> int:
    """Return a duration such as `5s`, `1m30s` or `90` (seconds)."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdwMy])", text)
    if parts and "".join(map("".join, parts)) == text:
        return round(sum(float(number) * UNITS[unit] for number, unit in parts))
    if text.isdecimal():
        return int(text) * UNITS["s"]
    raise QueryCheckError(f"invalid duration {text!r}: use a number and a unit, such as 5s")


def round_interval(width: float) -> int:
    """Return the rounded interval that Grafana uses."""
    return ROUND[bisect_right(BOUNDS, width)]


def format_duration(duration: int) -> str:
    """Return a duration in its largest whole unit, the format of `$__interval`: 90 s are `1m`."""
    for unit in ("y", "d", "h", "m", "s", "ms"):
        if duration >= UNITS[unit]:
            return f"{duration // UNITS[unit]}{unit}"
    return "1ms"


def format_exact(duration: int) -> str:
    """Return the exact duration, the format of `$__rate_interval`."""
    return f"{duration // 1000}s" if duration % 1000 == 0 else f"{duration}ms"


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
    return now - (milliseconds(parsed[1]) if parsed[1] else 0)


def time_range(start: str, end: str, now: int) -> TimeRange:
    """Return the range between two such times; raise `QueryCheckError` if it is empty."""
    parsed = TimeRange(parse_time(start, now), parse_time(end, now))
    if parsed.width <= 0:
        raise QueryCheckError(
            f"empty time range from {start} to {end}: the end is not after the start"
        )
    return parsed


@dataclass(frozen=True)
class StepInput:
    """The inputs of the step calculation, in milliseconds.

    `scrape` is the data source's scrape interval, `points` the number of points that fit into the
    panel.
    """

    time_range: TimeRange
    scrape: int
    points: int


def interval(width: StepInput) -> int:
    """Return the interval between points, as Grafana calculates it for a panel."""
    return max(width.scrape, round_interval(width.time_range.width / width.points))


def prometheus(width: StepInput) -> tuple[int, Mapping[str, str]]:
    """Return the step of a range query, and Grafana's built-in variables for Prometheus.

    As in models/query.go of Grafana's Prometheus data source.
    """
    step = max(interval(width), round_interval(width.time_range.width / MAX_POINTS))
    rate = max(step + width.scrape, SCRAPES * width.scrape)
    builtins = {
        "__interval": format_duration(step),
        "__interval_ms": str(step),
        "__rate_interval": format_exact(rate),
        "__rate_interval_ms": str(rate),
    }
    return step, {**builtins, **_span(width.time_range)}


def loki(width: StepInput, instant: bool) -> tuple[int, Mapping[str, str]]:
    """Return the step and Grafana's built-in variables for Loki; it has no `$__rate_interval`.

    As in step.go and parse_query.go of Grafana's Loki data source.
    """
    between = interval(width)
    step = max(between, -(-width.time_range.width // LOKI_MAX_POINTS))
    whole = _span(width.time_range)
    builtins = {
        "__interval": format_duration(between),
        "__interval_ms": str(between),
        "__auto": whole["__range"] if instant else format_duration(step),
    }
    return step, {**builtins, **whole}


def _span(time_range: TimeRange) -> Mapping[str, str]:
    seconds = str(round(time_range.width / 1000))
    return {
        "__range": f"{seconds}s",
        "__range_s": seconds,
        "__range_ms": str(time_range.width),
        "__from": str(time_range.start),
        "__to": str(time_range.end),
    }
