"""Check dashboards: run all queries with all selections, and evaluate the results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .cost import Age
from .dashboard_file import Dashboard, Source, Target
from .evaluation import SEVERITY_ORDER, State, Verdict, evaluate
from .expected_empty import Expectation, expectation
from .panel_queries import PanelQuery, Query, QueryContext, dashboard_queries
from .query_runner import QueryRunner
from .selections import Mode, Selection, Unresolved, resolve, selections
from .steps import StepInput, prometheus
from .time_range import time_range
from .variable_values import VariableContext

# Queries of variables are reported without a data source.
_NOWHERE = Source("", "")
# The worst verdict for each index of a selection; a repeated panel has several.
ByIndex = dict[int, tuple[Verdict, PanelQuery]]


@dataclass(frozen=True)
class Outcome:
    """The result of a query in a mode of selection, with one of its verdicts as an example."""

    mode: Mode
    panel_query: PanelQuery
    verdict: Verdict
    expectation: Expectation | None = None
    # The number of values of the variable without data, if others have data.
    gaps: int = 0
    variable: str = ""

    @property
    def failed(self) -> bool:
        """Whether the check fails."""
        if self.verdict.state == "empty":
            return self.expectation is None and self.panel_query.query.ref != "annotation"
        return self.verdict.state in ("costly", "error")


@dataclass
class CheckResult:
    """The outcomes of all queries."""

    dashboards: Sequence[Dashboard]
    outcomes: list[Outcome] = field(default_factory=list)
    sent: int = 0

    @property
    def failures(self) -> Sequence[Outcome]:
        """Return the failed outcomes, one for each query."""
        outcomes = {item.panel_query.query: item for item in reversed(self.outcomes) if item.failed}
        return list(reversed(outcomes.values()))


@dataclass(frozen=True)
class CheckOptions:
    """Queries that are empty by design, and preset values of variables."""

    expectations: Sequence[Expectation] = ()
    presets: Mapping[str, str] = field(default_factory=dict)


def check_dashboards(
    dashboards: Sequence[Dashboard], runner: QueryRunner, now: int, options: CheckOptions
) -> CheckResult:
    """Run all queries as of `now` (ms); raise `UnavailableError` if Prometheus is down."""
    age = runner.age(now)
    check_result = CheckResult(dashboards)
    for dashboard in dashboards:
        check_result.outcomes += _outcomes(dashboard, _Evaluator(runner, now, age), options)
    check_result.sent = runner.sent
    return check_result


@dataclass(frozen=True)
class _Evaluator:
    runner: QueryRunner
    now: int
    age: Age

    def variable_context(self, dashboard: Dashboard) -> VariableContext:
        """Return the context of the queries of a dashboard's variables."""
        times = dashboard.raw.get("time", {"from": "now-6h", "to": "now"})
        shown = time_range(times["from"], times["to"], self.now)
        _, builtins = prometheus(StepInput(shown, 5000, 0, 1000))
        return VariableContext(self.runner.sources, shown, builtins)


def _outcomes(
    dashboard: Dashboard, evaluator: _Evaluator, options: CheckOptions
) -> Iterator[Outcome]:
    failures: dict[tuple[Mode, str, Query], ByIndex] = defaultdict(dict)
    variable_context = evaluator.variable_context(dashboard)
    counts = resolve(dashboard, Selection("all", presets=options.presets), variable_context).counts
    for selection in selections(dashboard, counts, options.presets):
        resolved = resolve(dashboard, selection, variable_context)
        context = QueryContext(resolved.selected_values, evaluator.runner.sources, evaluator.now)
        queries = [
            *_unresolved(dashboard, resolved.unresolved),
            *dashboard_queries(dashboard, context),
        ]
        for panel_query in queries:
            verdict = evaluate(panel_query, evaluator.runner, evaluator.age)
            _record(
                failures[selection.mode, selection.variable, panel_query.query],
                selection.index,
                (verdict, panel_query),
            )
    for (mode, variable, query), by_index in failures.items():
        yield replace(
            _outcome(mode, by_index, expectation(query, options.expectations)), variable=variable
        )


def _unresolved(dashboard: Dashboard, unresolved: Sequence[Unresolved]) -> Iterator[PanelQuery]:
    """Yield the variables without values, as if they were queries of a panel."""
    for item in unresolved:
        query = Query(dashboard.uid, f"variable {item.variable.name}", "variable", "variable")
        target = Target("variable", str(item.variable.query), _NOWHERE, item.variable.raw)
        yield PanelQuery(query, target, None, query.panel, item.why, item.skipped)


def _record(by_index: ByIndex, index: int, new: tuple[Verdict, PanelQuery]) -> None:
    old = by_index.get(index)
    if old is None or _severity(new[0].state) > _severity(old[0].state):
        by_index[index] = new


def _severity(state: State) -> int:
    return SEVERITY_ORDER.index(state)


def _outcome(mode: Mode, by_index: ByIndex, expectation: Expectation | None) -> Outcome:
    """Return the outcome: a single error or high cost counts, emptiness only if all are empty."""
    worst = max(by_index.values(), key=lambda item: _severity(item[0].state))
    if worst[0].state in ("costly", "error"):
        return Outcome(mode, worst[1], worst[0], expectation)
    best = min(by_index.values(), key=lambda item: _severity(item[0].state))
    gaps = sum(verdict.state == "empty" for verdict, _ in by_index.values())
    return Outcome(mode, best[1], best[0], expectation, gaps if best[0].state == "fine" else 0)
