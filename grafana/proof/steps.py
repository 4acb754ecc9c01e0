"""How far apart Grafana asks for points, and what its own variables are then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .durations import exact, milliseconds, rounded, words
from .span import Span

# Prometheus refuses more points of one series than this.
SAFE = 11_000
# What Grafana takes for four scrapes: rate() needs two samples, and one may be missing.
SCRAPES = 4
# Loki answers with at most this many points.
LOKI_POINTS = 11_000


@dataclass(frozen=True)
class Width:
    """What the width of a point depends on, in milliseconds.

    `scrape` is the data source's own interval, `least` what panel or query ask for (0: nothing),
    `points` is how many fit into the panel.
    """

    span: Span
    scrape: int
    least: int
    points: int


def interval(width: Width) -> int:
    """Return the distance of two points as Grafana calculates it for a panel."""
    return max(width.least or width.scrape, rounded(width.span.width / width.points))


def prometheus(width: Width) -> tuple[int, Mapping[str, str]]:
    """Return the step of a range query, and Grafana's own variables for Prometheus.

    As models/query.go of Grafana's Prometheus data source has it.
    """
    step = max(interval(width), rounded(width.span.width / SAFE))
    scrape = width.least or width.scrape
    rate = max(step + scrape, SCRAPES * scrape)
    own = {
        "__interval": words(step),
        "__interval_ms": str(step),
        "__rate_interval": exact(rate),
        "__rate_interval_ms": str(rate),
    }
    return step, {**own, **_span(width.span)}


def loki(width: Width, asked: str | None, instant: bool) -> tuple[int, Mapping[str, str]]:
    """Return the step, and Grafana's own variables for Loki: it knows no `$__rate_interval`.

    As step.go and parse_query.go of Grafana's Loki data source have it.
    """
    between = interval(width)
    step = milliseconds(asked) if asked else between
    step = max(step, -(-width.span.width // LOKI_POINTS))
    whole = _span(width.span)
    own = {
        "__interval": words(between),
        "__interval_ms": str(between),
        "__auto": whole["__range"] if instant else words(step),
    }
    return step, {**own, **whole}


def _span(span: Span) -> Mapping[str, str]:
    seconds = str(round(span.width / 1000))
    ends = {"__from": str(span.start), "__to": str(span.end)}
    return {
        "__range": f"{seconds}s",
        "__range_s": seconds,
        "__range_ms": str(span.width),
        **ends,
    }
