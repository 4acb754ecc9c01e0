"""The queries of a dashboard with interpolated variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import interpolation, times
from .dashboard_file import Dashboard, Panel, QueryCheckError, Target
from .data_sources import LINES
from .interpolation import SelectedValue, SelectedValues, interpolate, interpolate_builtins
from .times import StepInput, TimeRange, milliseconds, time_range
from .variables import SkippedError, Sources, resolve_source

# The scrape intervals: timeInterval in Grafana's provisioning, which a test compares.
SCRAPE = {"prometheus": 5000, "loki": 1000}
# Metrics of Loki and the collector, which are missing on a stack without Loki.
LOKI_METRICS = re.compile(r"\b(?:loki|otelcol)_\w+")
# Data sources inside Grafana.
GRAFANA_SOURCES = ("-- Grafana --", "-- Dashboard --", "grafana")


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
    title: str
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
        page = Panel(annotation.name, "annotation", (), (), {"gridPos": {"w": 24}})
        query = Query(dashboard.uid, f"annotation {annotation.name}", "annotation", "range")
        yield _panel_query(query, annotation.target, dashboard, page, context)


def panel_queries(
    dashboard: Dashboard, panel: Panel, context: QueryContext
) -> Iterator[PanelQuery]:
    """Yield a panel's queries, for each value by which it is repeated."""
    for selected_values in _repeated(panel.repeats, context.selected_values):
        repeated = replace(context, selected_values=selected_values)
        for target in panel.targets:
            if target.source.uid not in GRAFANA_SOURCES:
                for kind in target.kinds:
                    query = Query(dashboard.uid, panel.title, target.ref, kind)
                    yield _panel_query(query, target, dashboard, panel, repeated)


def panel_range(dashboard: Dashboard, panel: Panel, context: QueryContext) -> TimeRange:
    """Return the time range of a panel: its own, else the dashboard's."""
    begin, end = dashboard.times
    own = panel.raw.get("timeFrom")
    return time_range(f"now-{own}" if own else begin, end, context.now)


def _repeated(names: Sequence[str], selected_values: SelectedValues) -> Iterator[SelectedValues]:
    """Yield the selected values of each repetition: one value of each variable."""
    if not names:
        yield selected_values
        return
    first, *others = names
    if first in selected_values:
        selected = selected_values[first]
        for value in selected.values:
            repeat = SelectedValue(selected.variable, [value])
            yield from _repeated(others, {**selected_values, first: repeat})


def _panel_query(
    query: Query, target: Target, dashboard: Dashboard, panel: Panel, context: QueryContext
) -> PanelQuery:
    title = interpolate(query.panel, context.selected_values, interpolation.glob)
    try:
        request = _request(query.kind, target, dashboard, panel, context)
        return PanelQuery(query, target, request, title)
    except QueryCheckError as error:
        skipped = isinstance(error, SkippedError)
        return PanelQuery(query, target, None, title, str(error), skipped)


def _request(
    kind: str, target: Target, dashboard: Dashboard, panel: Panel, context: QueryContext
) -> QueryRequest:
    source = resolve_source(target.source, context.selected_values, context.sources)
    shown = panel_range(dashboard, panel, context)
    width = StepInput(
        shown, SCRAPE[source.kind], _min_interval(target, panel, context), panel.points
    )
    if source.kind == "loki":
        step, builtins = times.loki(width, target.raw.get("step"), kind == "instant")
    else:
        step, builtins = times.prometheus(width)
    value_format = interpolation.of_source(source.kind)
    expr = interpolate_builtins(
        interpolate(target.expr, context.selected_values, value_format), builtins
    )
    if not expr.strip():
        raise QueryCheckError("the query is empty")
    if context.sources.get("loki", source) is None and LOKI_METRICS.search(expr):
        raise SkippedError("data source 'loki' is not available")
    lines = int(target.raw.get("maxLines") or LINES)
    return QueryRequest(source.kind, kind, expr, shown, step, lines)


def _min_interval(target: Target, panel: Panel, context: QueryContext) -> int:
    """Return the minimum interval of the query, else of the panel; 0 if there is none."""
    text = str(target.raw.get("interval") or panel.raw.get("interval") or "")
    filled = interpolate(text, context.selected_values, interpolation.glob).lstrip(">")
    return milliseconds(filled) if filled and not filled.startswith("$") else 0
