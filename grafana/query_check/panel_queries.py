"""The queries of a dashboard with interpolated variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from . import steps, value_formats
from .dashboard_file import Dashboard, Panel, Target
from .data_source_clients import LINES, DataSource
from .durations import milliseconds
from .errors import QueryCheckError
from .interpolation import SelectedValue, SelectedValues, interpolate, interpolate_builtins
from .steps import StepInput
from .time_range import TimeRange, time_range
from .variable_values import SkippedError, Sources, resolve_source

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
        yield _panel_query(query, annotation.target, _PanelContext(dashboard, page, context))


def panel_queries(
    dashboard: Dashboard, panel: Panel, context: QueryContext
) -> Iterator[PanelQuery]:
    """Yield a panel's queries, for each value by which it is repeated."""
    for selected_values in _repeated(panel.repeats, context.selected_values):
        panel_context = _PanelContext(
            dashboard, panel, replace(context, selected_values=selected_values)
        )
        for target in panel.targets:
            if target.source.uid not in GRAFANA_SOURCES:
                for kind in target.kinds:
                    query = Query(dashboard.uid, panel.title, target.ref, kind)
                    yield _panel_query(query, target, panel_context)


def _repeated(names: Sequence[str], selected_values: SelectedValues) -> Iterator[SelectedValues]:
    """Yield the selected values of each repetition: one value of each variable."""
    if not names:
        yield selected_values
        return
    first, *others = names
    selected = selected_values.get(first)
    for value in selected.values if selected else ():
        assert selected is not None
        yield from _repeated(
            others, {**selected_values, first: SelectedValue(selected.variable, [value])}
        )


@dataclass(frozen=True)
class _PanelContext:
    dashboard: Dashboard
    panel: Panel
    context: QueryContext

    def time_range(self) -> TimeRange:
        """Return the time range of the panel: its own, else the dashboard's."""
        times = self.dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
        begin = self.panel.raw.get("timeFrom")
        start = f"now-{begin}" if begin else times["from"]
        return time_range(start, times["to"], self.context.now)


def _panel_query(query: Query, target: Target, panel_context: _PanelContext) -> PanelQuery:
    title = interpolate(query.panel, panel_context.context.selected_values, value_formats.glob)
    try:
        source = resolve_source(
            target.source, panel_context.context.selected_values, panel_context.context.sources
        )
        return PanelQuery(query, target, _request(query.kind, target, panel_context, source), title)
    except QueryCheckError as error:
        skipped = isinstance(error, SkippedError)
        return PanelQuery(query, target, None, title, str(error), skipped)


def _request(
    kind: str, target: Target, panel_context: _PanelContext, source: DataSource
) -> QueryRequest:
    shown = panel_context.time_range()
    min_interval = _min_interval(target, panel_context)
    width = StepInput(shown, SCRAPE[source.kind], min_interval, panel_context.panel.points)
    if source.kind == "loki":
        step, builtins = steps.loki(width, target.raw.get("step"), kind == "instant")
    else:
        step, builtins = steps.prometheus(width)
    style = value_formats.loki if source.kind == "loki" else value_formats.prometheus
    expr = interpolate_builtins(
        interpolate(target.expr, panel_context.context.selected_values, style), builtins
    )
    if not expr.strip():
        raise QueryCheckError("the query is empty")
    if panel_context.context.sources.get("loki", source) is None and LOKI_METRICS.search(expr):
        raise SkippedError("data source 'loki' is not available")
    lines = int(target.raw.get("maxLines") or LINES)
    return QueryRequest(source.kind, kind, expr, shown, step, lines)


def _min_interval(target: Target, panel_context: _PanelContext) -> int:
    """Return the minimum interval of the query, else of the panel; 0 if there is none."""
    interval = str(target.raw.get("interval") or panel_context.panel.raw.get("interval") or "")
    filled = interpolate(
        interval, panel_context.context.selected_values, value_formats.glob
    ).lstrip(">")
    return milliseconds(filled) if filled and not filled.startswith("$") else 0
