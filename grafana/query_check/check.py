"""Check dashboards: run all queries with all selections, and evaluate the results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .dashboard_file import Dashboard, QueryCheckError, Target
from .evaluation import SEVERITY_ORDER, Age, QueryRunner, State, Verdict, evaluate
from .queries import PanelQuery, Query, QueryContext, dashboard_queries
from .times import time_range
from .variables import Mode, Selection, Unresolved, resolve, selections

KEYS = {"dashboard", "panel", "query", "reason"}
# The verdict for each index of a selection.
ByIndex = dict[int, tuple[Verdict, PanelQuery]]


@dataclass(frozen=True)
class Expectation:
    """A panel, or one query of it, that may be empty, with the reason."""

    dashboard: str
    panel: str
    query: str | None
    reason: str

    def covers(self, query: Query) -> bool:
        """Return whether it covers a query."""
        alike = (self.dashboard, self.panel) == (query.dashboard, query.panel)
        return alike and self.query in (None, query.ref)


def read_expectations(file: Path) -> Sequence[Expectation]:
    """Return the entries, none without a file; raise `QueryCheckError` for an invalid one."""
    if not file.exists():
        return []
    return [_expectation(raw) for raw in yaml.safe_load(file.read_text("utf-8")) or ()]


def _expectation(raw: Mapping[str, str]) -> Expectation:
    if not {"dashboard", "panel", "reason"} <= raw.keys() <= KEYS:
        raise QueryCheckError(
            f"invalid entry {dict(raw)}: it needs dashboard, panel and reason, and may have query"
        )
    return Expectation(raw["dashboard"], raw["panel"], raw.get("query"), raw["reason"])


@dataclass(frozen=True)
class Outcome:
    """The result of a query in a mode of selection, with one of its verdicts as an example."""

    mode: Mode
    variable: str
    panel_query: PanelQuery
    verdict: Verdict
    expectation: Expectation | None = None
    # The number of values of the variable without data, if others have data.
    gaps: int = 0

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


def check_dashboards(
    dashboards: Sequence[Dashboard],
    runner: QueryRunner,
    now: int,
    expectations: Sequence[Expectation] = (),
    presets: Mapping[str, str] | None = None,
) -> CheckResult:
    """Run all queries as of `now` (ms); raise `UnavailableError` if Prometheus is down.

    `expectations` are queries that are empty by design, `presets` values of variables.
    """
    age = runner.age(now)
    check_result = CheckResult(dashboards)
    for dashboard in dashboards:
        failures = _verdicts(dashboard, runner, now, age, presets or {})
        for (mode, variable, query), by_index in failures.items():
            covering = next((entry for entry in expectations if entry.covers(query)), None)
            check_result.outcomes.append(_outcome(mode, variable, by_index, covering))
    check_result.sent = runner.sent
    return check_result


def _verdicts(
    dashboard: Dashboard, runner: QueryRunner, now: int, age: Age, presets: Mapping[str, str]
) -> Mapping[tuple[Mode, str, Query], ByIndex]:
    """Return the verdicts on each query in each mode of selection."""
    verdicts: dict[tuple[Mode, str, Query], ByIndex] = defaultdict(dict)
    shown = time_range(*dashboard.times, now)
    whole = Selection("all", presets=presets)
    counts = resolve(dashboard, whole, runner.sources, shown).counts
    for selection in selections(dashboard, counts, presets):
        resolved = resolve(dashboard, selection, runner.sources, shown)
        queries = [
            *_unresolved(dashboard, resolved.unresolved),
            *dashboard_queries(
                dashboard, QueryContext(resolved.selected_values, runner.sources, now)
            ),
        ]
        for panel_query in queries:
            verdict = evaluate(panel_query, runner, age)
            by_index = verdicts[selection.mode, selection.variable, panel_query.query]
            by_index[selection.index] = (verdict, panel_query)
    return verdicts


def _unresolved(dashboard: Dashboard, unresolved: Sequence[Unresolved]) -> Iterator[PanelQuery]:
    """Yield the variables without values, as if they were queries of a panel."""
    for item in unresolved:
        query = Query(dashboard.uid, f"variable {item.variable.name}", "variable", "variable")
        target = Target("variable", item.variable.query, "", "", item.variable.raw)
        yield PanelQuery(query, target, None, item.why, item.skipped)


def _severity(state: State) -> int:
    return SEVERITY_ORDER.index(state)


def _outcome(
    mode: Mode, variable: str, by_index: ByIndex, expectation: Expectation | None
) -> Outcome:
    """Return the outcome: a single error or high cost counts, emptiness only if all are empty."""
    ordered = sorted(by_index.values(), key=lambda item: _severity(item[0].state))
    verdict, panel_query = ordered[0]
    worst = ordered[-1][0].state
    if worst in ("costly", "error"):
        verdict, panel_query = next(item for item in ordered if item[0].state == worst)
    empty = sum(item.state == "empty" for item, _ in ordered)
    gaps = empty if verdict.state == "fine" else 0
    return Outcome(mode, variable, panel_query, verdict, expectation, gaps)
