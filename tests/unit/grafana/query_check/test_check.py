from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from grafana.query_check import report
from grafana.query_check.check import (
    CheckResult,
    Expectation,
    check_dashboards,
    read_expectations,
)
from grafana.query_check.dashboard_file import QueryCheckError, parse
from grafana.query_check.evaluation import QueryRunner
from grafana.query_check.queries import Query
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, panel, target, variable

NOW = 1_700_000_000_000
REQUESTS = panel("Requests", target('requests_total{service=~"$service"}'))
LINES = panel("Lines", {"refId": "A", "expr": "{}", "datasource": LOKI})


def check(
    prometheus: FakePrometheus,
    *panels: dict[str, Any],
    expectations: Sequence[Expectation] = (),
    presets: dict[str, str] | None = None,
    **more: Any,
) -> CheckResult:
    sample = parse(document(*panels, **more))
    runner = QueryRunner(prometheus.url, None)
    return check_dashboards([sample], runner, NOW, expectations, presets)


def failures(result: CheckResult) -> Sequence[tuple[str, str, str]]:
    """Return panel, state and query of each failure."""
    return [
        (
            outcome.panel_query.query.panel,
            outcome.verdict.state,
            outcome.panel_query.request.expr
            if outcome.panel_query.request
            else outcome.panel_query.target.expr,
        )
        for outcome in result.failures
    ]


def test_complete_dashboard_is_fine(prometheus: FakePrometheus) -> None:
    result = check(prometheus, REQUESTS)
    assert failures(result) == []
    assert {outcome.mode for outcome in result.outcomes} == {"all", "one", "several"}
    sent = {query["query"] for query in prometheus.queries}
    assert 'requests_total{service=~"(chat|web)"}' in sent
    assert {f'requests_total{{service=~"{service}"}}' for service in ("web", "chat")} <= sent


@pytest.mark.parametrize("label", [None, "app"], ids=["removed metric", "renamed label"])
def test_missing_series_are_named(prometheus: FakePrometheus, label: str | None) -> None:
    renamed = [{"__name__": "requests_total", label: "web"}] if label else []
    prometheus.series = [*(row for row in prometheus.series if row["__name__"] == "up"), *renamed]
    assert failures(check(prometheus, REQUESTS)) == [
        ("Requests", "empty", 'requests_total{service=~"(chat|web)"}')
    ]


def test_unresolved_variable_is_named(prometheus: FakePrometheus) -> None:
    query = "label_values(gone_total, service)"
    unresolved = variable("service", query, multi=True, includeAll=True)
    failed = failures(check(prometheus, REQUESTS, templating={"list": [unresolved]}))
    assert [row[0] for row in failed] == ["variable service", "Requests"]
    assert failed[0][2] == query


def test_renamed_variable_is_named(prometheus: FakePrometheus) -> None:
    other = variable("svc", "label_values(up, service)", multi=True)
    failed = failures(check(prometheus, REQUESTS, templating={"list": [other]}))
    assert [row[:2] for row in failed] == [("Requests", "error")]


def test_missing_values_of_some_services_are_gaps(prometheus: FakePrometheus) -> None:
    prometheus.series = [series for series in prometheus.series if series != prometheus.series[3]]
    result = check(prometheus, REQUESTS)
    assert failures(result) == []
    assert {outcome.mode: outcome.gaps for outcome in result.outcomes} == {
        "all": 0,
        "one": 1,
        "several": 0,
    }
    (gap,) = (line for line in report.lines(result, details=True) if "Empty for" in line)
    assert gap == "Empty for 1 values of one of service: sample / Requests [A]"


def test_expectation_covers_only_empty_results(prometheus: FakePrometheus) -> None:
    by_design = [Expectation("sample", "Gone", None, "by design")]
    empty, wrong = panel("Gone", target("gone_total")), panel("Gone", target("rate($x)"))
    assert failures(check(prometheus, empty, expectations=by_design)) == []
    assert [row[1] for row in failures(check(prometheus, wrong, expectations=by_design))] == [
        "error"
    ]


def test_missing_exemplars_are_named(prometheus: FakePrometheus) -> None:
    wanted = panel("Slow", target('requests_total{service=~"$service"}', exemplar=True))
    assert failures(check(prometheus, wanted)) == []
    prometheus.exemplars = []
    result = check(prometheus, wanted)
    assert [outcome.panel_query.query.kind for outcome in result.failures] == ["exemplars"]


def test_missing_loki_fails_nothing(prometheus: FakePrometheus) -> None:
    result = check(prometheus, LINES)
    assert failures(result) == []
    assert {outcome.verdict.state for outcome in result.outcomes} == {"skipped"}


def test_annotation_may_be_empty_but_not_wrong(prometheus: FakePrometheus) -> None:
    marks = [
        {"name": name, **target(expr)}
        for name, expr in (("quiet", "gone_total"), ("wrong", "rate($x)"))
    ]
    failed = failures(check(prometheus, annotations={"list": marks}))
    assert [row[0] for row in failed] == ["annotation wrong"]


def test_typed_in_value_is_used(prometheus: FakePrometheus) -> None:
    check(prometheus, REQUESTS, presets={"service": "web"})
    assert {query["query"] for query in prometheus.queries if "requests" in query["query"]} == {
        'requests_total{service=~"web"}'
    }


def test_report_counts_and_names(prometheus: FakePrometheus) -> None:
    result = check(
        prometheus,
        panel("Fine", target('up{service=~"$service"}'), target('up{service="web"}', "B")),
        panel("Gone", target("gone_total")),
        panel("Lost", target('lost_total{service=~"$service"}')),
        LINES,
        panel("Words", type="text"),
        expectations=[Expectation("sample", "Gone", None, "Nothing is gone.")],
    )
    first, *others = report.lines(result)
    assert first.startswith("1 dashboards, 5 panels, 4 with queries, 5 queries, sent ")
    assert others == [
        "Expected empty: 1 queries; 0 of them had data this time.",
        "SKIPPED: 1 queries. data source 'loki' is not available",
        "FAILED sample / Lost [A] (range, all): It has no data.",
        '    lost_total{service=~"(chat|web)"}',
        "1 queries failed.",
    ]
    assert "  sample / Gone [A]: Nothing is gone." in report.lines(result, details=True)


ENTRIES = """
- {dashboard: service, panel: Exceptions, reason: There are none under normal load.}
- {dashboard: load, panel: Users, query: B, reason: Only while a load runs.}
"""


@pytest.mark.parametrize(
    ("query", "is_covered"),
    [
        (Query("service", "Exceptions", "B", "range"), True),
        (Query("load", "Users", "B", "range"), True),
        (Query("load", "Users", "A", "range"), False),
        (Query("overview", "Exceptions", "A", "range"), False),
    ],
)
def test_expectation_covers_a_panel_or_one_of_its_queries(
    tmp_path: Path, query: Query, is_covered: bool
) -> None:
    file = tmp_path / "expected_empty.yml"
    assert read_expectations(file) == []
    file.write_text(ENTRIES)
    assert any(entry.covers(query) for entry in read_expectations(file)) is is_covered


@pytest.mark.parametrize("entry", ["{dashboard: a, panel: b}", "{dashboard: a, panel: b, why: c}"])
def test_entry_without_a_reason_is_rejected(tmp_path: Path, entry: str) -> None:
    (tmp_path / "expected_empty.yml").write_text(f"- {entry}")
    with pytest.raises(QueryCheckError, match="invalid entry"):
        read_expectations(tmp_path / "expected_empty.yml")
