"""The step of a query and the values of Grafana's built-in variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .durations import format_duration, format_exact, milliseconds, round_interval
from .time_range import TimeRange

# Prometheus rejects queries with more points per series.
MAX_POINTS = 11_000
# The rate interval in scrapes: rate() needs two samples, and some may be missing.
SCRAPES = 4
# Loki returns at most this many points.
LOKI_MAX_POINTS = 11_000


@dataclass(frozen=True)
class StepInput:
    """The inputs of the step calculation, in milliseconds.

    `scrape` is the data source's scrape interval, `min_interval` the setting of the panel or query
    (0: none), `points` the number of points that fit into the panel.
    """

    time_range: TimeRange
    scrape: int
    min_interval: int
    points: int


def interval(width: StepInput) -> int:
    """Return the interval between points, as Grafana calculates it for a panel."""
    return max(
        width.min_interval or width.scrape, round_interval(width.time_range.width / width.points)
    )


def prometheus(width: StepInput) -> tuple[int, Mapping[str, str]]:
    """Return the step of a range query, and Grafana's built-in variables for Prometheus.

    As in models/query.go of Grafana's Prometheus data source.
    """
    step = max(interval(width), round_interval(width.time_range.width / MAX_POINTS))
    scrape = width.min_interval or width.scrape
    rate = max(step + scrape, SCRAPES * scrape)
    builtins = {
        "__interval": format_duration(step),
        "__interval_ms": str(step),
        "__rate_interval": format_exact(rate),
        "__rate_interval_ms": str(rate),
    }
    return step, {**builtins, **_span(width.time_range)}


def loki(width: StepInput, panel_query: str | None, instant: bool) -> tuple[int, Mapping[str, str]]:
    """Return the step and Grafana's built-in variables for Loki; it has no `$__rate_interval`.

    As in step.go and parse_query.go of Grafana's Loki data source.
    """
    between = interval(width)
    step = milliseconds(panel_query) if panel_query else between
    step = max(step, -(-width.time_range.width // LOKI_MAX_POINTS))
    whole = _span(width.time_range)
    builtins = {
        "__interval": format_duration(between),
        "__interval_ms": str(between),
        "__auto": whole["__range"] if instant else format_duration(step),
    }
    return step, {**builtins, **whole}


def _span(time_range: TimeRange) -> Mapping[str, str]:
    seconds = str(round(time_range.width / 1000))
    ends = {"__from": str(time_range.start), "__to": str(time_range.end)}
    return {
        "__range": f"{seconds}s",
        "__range_s": seconds,
        "__range_ms": str(time_range.width),
        **ends,
    }
