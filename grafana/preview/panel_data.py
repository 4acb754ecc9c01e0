"""Collect the data of a dashboard: its panels with the results of their queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..query_check.dashboard_file import Dashboard, Panel, QueryCheckError
from ..query_check.data_sources import QueryResult, Series, UnavailableError
from ..query_check.evaluation import QueryRunner
from ..query_check.queries import PanelQuery, QueryContext, panel_queries
from ..query_check.times import TimeRange, time_range
from ..query_check.variables import Selection, resolve

EMPTY = QueryResult()


@dataclass(frozen=True)
class QueryData:
    """A query of a panel and its result; `problem` is the reason for an empty one."""

    panel_query: PanelQuery
    result: QueryResult
    problem: str = ""


@dataclass(frozen=True)
class PanelData:
    """A panel with its data."""

    panel: Panel
    queries: Sequence[QueryData]
    time_range: TimeRange

    @property
    def problem(self) -> str:
        """The first problem of its queries, if there is one."""
        return next((query.problem for query in self.queries if query.problem), "")

    @property
    def empty(self) -> bool:
        """Whether all of its queries are empty."""
        return all(query.result.empty for query in self.queries)

    @property
    def series(self) -> Sequence[tuple[QueryData, Series]]:
        """The series that can be drawn, each with its query."""
        return [
            (query, series)
            for query in self.queries
            for series in query.result.series
            if series.has_data
        ]


@dataclass(frozen=True)
class Page:
    """A dashboard with the data of its panels and the selected values of its variables."""

    dashboard: Dashboard
    chosen: Mapping[str, str]
    panel_data: Sequence[PanelData]
    time_range: TimeRange


def collect(dashboard: Dashboard, runner: QueryRunner, now: int, last: str = "") -> Page:
    """Run the queries of a dashboard over its initial time range, or over the `last` one.

    `now` is in ms. Raises `UnavailableError` if Prometheus does not answer.
    """
    begin, end = dashboard.times
    times = {"from": f"now-{last}" if last else begin, "to": end}
    opened = replace(dashboard, raw={**dashboard.raw, "time": times})
    shown = time_range(*opened.times, now)
    resolved = resolve(opened, Selection("default"), runner.sources, shown)
    context = QueryContext(resolved.selected_values, runner.sources, now)
    chosen = {
        name: "All" if selected.is_all else ", ".join(selected.values)
        for name, selected in resolved.selected_values.items()
    }
    panel_data = [
        PanelData(
            panel,
            [
                _query_data(panel_query, runner)
                for panel_query in panel_queries(opened, panel, context)
                if panel_query.query.kind != "exemplars"
            ],
            shown,
        )
        for panel in opened.panels
    ]
    return Page(opened, chosen, panel_data, shown)


def _query_data(panel_query: PanelQuery, runner: QueryRunner) -> QueryData:
    if panel_query.request is None:
        return QueryData(panel_query, EMPTY, panel_query.problem)
    try:
        return QueryData(panel_query, runner.result(panel_query.request))
    except UnavailableError:
        raise
    except QueryCheckError as error:
        return QueryData(panel_query, EMPTY, str(error))
