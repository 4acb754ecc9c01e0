"""Collect the data of a dashboard: its panels with the results of their queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..query_check.dashboard_file import Dashboard, Panel
from ..query_check.errors import QueryCheckError, UnavailableError
from ..query_check.panel_queries import PanelQuery, QueryContext, panel_queries
from ..query_check.query_runner import QueryRunner
from ..query_check.results import QueryResult
from ..query_check.selections import Selection, resolve
from ..query_check.steps import StepInput, prometheus
from ..query_check.time_range import TimeRange, time_range
from ..query_check.variable_values import VariableContext

EMPTY: QueryResult = QueryResult()


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
    title: str
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
    times = dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
    begin = f"now-{last}" if last else times["from"]
    opened = replace(dashboard, raw={**dashboard.raw, "time": {**times, "from": begin}})
    whole = time_range(begin, times["to"], now)
    _, own = prometheus(StepInput(whole, 5000, 0, 1000))
    resolved = resolve(opened, Selection("default"), VariableContext(runner.sources, whole, own))
    context = QueryContext(resolved.selected_values, runner.sources, now)
    panel_data = [_panel_data(opened, panel, context, runner) for panel in opened.panels]
    chosen = {
        name: "All" if query.is_all else ", ".join(query.values)
        for name, query in resolved.selected_values.items()
    }
    return Page(opened, chosen, panel_data, whole)


def _panel_data(
    dashboard: Dashboard, panel: Panel, context: QueryContext, runner: QueryRunner
) -> PanelData:
    without_exemplars = (
        query
        for query in panel_queries(dashboard, panel, context)
        if query.query.kind != "exemplars"
    )
    queries = list(_first_of_each(without_exemplars))
    times = dashboard.raw["time"]
    requested = next((query.request.time_range for query in queries if query.request), None)
    title = queries[0].title if queries else panel.title
    return PanelData(
        panel,
        title,
        [_query_data(query, runner) for query in queries],
        requested or time_range(times["from"], times["to"], context.now),
    )


def _first_of_each(queries: Iterator[PanelQuery]) -> Iterator[PanelQuery]:
    """Yield the queries of the first repetition of a panel; the others look alike."""
    seen = set()
    for query in queries:
        if query.query not in seen:
            seen.add(query.query)
            yield query


def _query_data(panel_query: PanelQuery, runner: QueryRunner) -> QueryData:
    if panel_query.request is None:
        return QueryData(panel_query, EMPTY, panel_query.problem)
    try:
        return QueryData(panel_query, runner.result(panel_query.request))
    except UnavailableError:
        raise
    except QueryCheckError as error:
        return QueryData(panel_query, EMPTY, str(error))
