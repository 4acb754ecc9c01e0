"""The queries of a dashboard with interpolated variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import times
from .dashboard_file import Dashboard, Panel, QueryCheckError, Target
from .data_sources import LINES
from .interpolation import SelectedValues, interpolate, interpolate_builtins
from .times import StepInput, TimeRange, time_range
from .variables import SkippedError, Sources, resolve_source

# The scrape intervals: timeInterval in Grafana's provisioning, which a test compares.
SCRAPE = {"prometheus": 5000, "loki": 1000}
# Metrics of Loki and the collector, which are missing on a stack without Loki.
LOKI_METRICS = re.compile(r"\b(?:loki|otelcol)_\w+")


@dataclass(frozen=True)
class QueryRequest:
    """A query as it is sent: at the end of the range, or over it with a point per `step` ms."""

    source: str
    kind: str
    expr: str
    time_range: TimeRange
    step: int
    # The maximum number of log lines.
    lines: int = LINES


@dataclass(frozen=True)
class Query:
    """The location of a query: dashboard, panel title, refId and kind."""

    dashboard: str
    panel: str
    ref: str
    kind: str


@dataclass(frozen=True)
class PanelQuery:
    """A query with its request, or the problem why it cannot be sent."""

    query: Query
    target: Target
    request: QueryRequest | None
    problem: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class QueryContext:
    """The selected values, the data sources, and the current time (ms)."""

    selected_values: SelectedValues
    sources: Sources
    now: int


def dashboard_queries(dashboard: Dashboard, context: QueryContext) -> Iterator[PanelQuery]:
    """Yield the queries of a dashboard's panels and annotations."""
    for panel in dashboard.panels:
        yield from panel_queries(dashboard, panel, context)
    for annotation in dashboard.annotations:
        # Annotations are queried for the whole width of the page.
        page = Panel(annotation.name, "annotation", (), {"gridPos": {"w": 24}})
        query = Query(dashboard.uid, f"annotation {annotation.name}", "annotation", "range")
        yield _panel_query(query, annotation.target, dashboard, page, context)


def panel_queries(
    dashboard: Dashboard, panel: Panel, context: QueryContext
) -> Iterator[PanelQuery]:
    """Yield a panel's queries."""
    for target in panel.targets:
        for kind in target.kinds:
            query = Query(dashboard.uid, panel.title, target.ref, kind)
            yield _panel_query(query, target, dashboard, panel, context)


def _panel_query(
    query: Query, target: Target, dashboard: Dashboard, panel: Panel, context: QueryContext
) -> PanelQuery:
    try:
        request = _request(query.kind, target, dashboard, panel, context)
        return PanelQuery(query, target, request)
    except QueryCheckError as error:
        return PanelQuery(query, target, None, str(error), isinstance(error, SkippedError))


def _request(
    kind: str, target: Target, dashboard: Dashboard, panel: Panel, context: QueryContext
) -> QueryRequest:
    resolve_source(target.source_uid, context.sources)
    shown = time_range(*dashboard.times, context.now)
    width = StepInput(shown, SCRAPE[target.source], panel.points)
    if target.source == "loki":
        step, builtins = times.loki(width, kind == "instant")
    else:
        step, builtins = times.prometheus(width)
    filled = interpolate(target.expr, context.selected_values, target.source)
    expr = interpolate_builtins(filled, builtins)
    if not expr.strip():
        raise QueryCheckError("the query is empty")
    if context.sources.get("loki", target) is None and LOKI_METRICS.search(expr):
        raise SkippedError("data source 'loki' is not available")
    lines = int(target.raw.get("maxLines") or LINES)
    return QueryRequest(target.source, kind, expr, shown, step, lines)
