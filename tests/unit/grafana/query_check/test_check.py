from collections.abc import Sequence
from typing import Any

from grafana.query_check.check import CheckOptions, CheckResult, check_dashboards
from grafana.query_check.dashboard_file import parse
from grafana.query_check.expected_empty import Expectation
from grafana.query_check.query_runner import QueryRunner
from tests.unit.grafana.fake_prometheus import FakePrometheus
from tests.unit.grafana.samples import LOKI, document, panel, target, variable

NOW = 1_700_000_000_000
REQUESTS = panel("Requests", target('requests_total{service=~"$service"}'))


def check_result(
    prometheus: FakePrometheus,
    *panels: dict[str, Any],
    rules: CheckOptions | None = None,
    **more: Any,
) -> CheckResult:
    sample = parse(document(*panels, **more))
    return check_dashboards(
        [sample], QueryRunner(prometheus.url, None), NOW, rules or CheckOptions()
    )


def failures(result: CheckResult) -> Sequence[tuple[str, str, str, str]]:
    """Return dashboard, panel, state and query of each failure."""
    return [
        (
            *(
                outcome.panel_query.query.dashboard,
                outcome.panel_query.query.panel,
                outcome.verdict.state,
            ),
            outcome.panel_query.request.expr
            if outcome.panel_query.request
            else outcome.panel_query.target.expr,
        )
        for outcome in result.failures
    ]


def test_complete_dashboard_is_fine(prometheus: FakePrometheus) -> None:
    result = check_result(prometheus, REQUESTS)
    assert failures(result) == []
    assert {outcome.mode for outcome in result.outcomes} == {"all", "one", "several"}
    sent = {query["query"] for query in prometheus.queries}
    assert 'requests_total{service=~"(chat|web)"}' in sent
    assert {f'requests_total{{service=~"{service}"}}' for service in ("web", "chat")} <= sent


def test_removed_metric_is_named(prometheus: FakePrometheus) -> None:
    prometheus.series = [series for series in prometheus.series if series["__name__"] == "up"]
    assert failures(check_result(prometheus, REQUESTS)) == [
        ("sample", "Requests", "empty", 'requests_total{service=~"(chat|web)"}')
    ]


def test_renamed_label_is_named(prometheus: FakePrometheus) -> None:
    prometheus.series = [
        series
        if series["__name__"] == "up"
        else {"__name__": "requests_total", "app": series["service"]}
        for series in prometheus.series
    ]
    assert [row[:3] for row in failures(check_result(prometheus, REQUESTS))] == [
        ("sample", "Requests", "empty")
    ]


def test_unresolved_variable_is_named(prometheus: FakePrometheus) -> None:
    unresolved = variable(
        "service", "label_values(gone_total, service)", multi=True, includeAll=True
    )
    failed = failures(check_result(prometheus, REQUESTS, templating={"list": [unresolved]}))
    assert [row[1] for row in failed] == ["variable service", "Requests"]
    assert failed[0][3] == "label_values(gone_total, service)"


def test_renamed_variable_is_named(prometheus: FakePrometheus) -> None:
    other = variable("svc", "label_values(up, service)", multi=True)
    failed = failures(check_result(prometheus, REQUESTS, templating={"list": [other]}))
    assert [row[1:3] for row in failed] == [("Requests", "error")]


def test_missing_values_of_some_services_are_gaps(prometheus: FakePrometheus) -> None:
    prometheus.series = [series for series in prometheus.series if series != prometheus.series[3]]
    result = check_result(prometheus, REQUESTS)
    assert failures(result) == []
    assert {outcome.mode: outcome.gaps for outcome in result.outcomes} == {
        "all": 0,
        "one": 1,
        "several": 0,
    }


def test_repeated_panel_has_no_gap(prometheus: FakePrometheus) -> None:
    prometheus.series = [series for series in prometheus.series if series != prometheus.series[3]]
    failed = failures(check_result(prometheus, {**REQUESTS, "repeat": "service"}))
    assert failed == [("sample", "Requests", "empty", 'requests_total{service=~"chat"}')]


def test_expectation_covers_only_empty_results(prometheus: FakePrometheus) -> None:
    rules = CheckOptions([Expectation("sample", "Gone", None, "by design")])
    empty = panel("Gone", target("gone_total"))
    assert failures(check_result(prometheus, empty, rules=rules)) == []
    wrong = panel("Gone", target("rate($x)"))
    assert [row[2] for row in failures(check_result(prometheus, wrong, rules=rules))] == ["error"]


def test_missing_exemplars_are_named(prometheus: FakePrometheus) -> None:
    wanted = panel("Slow", target('requests_total{service=~"$service"}', exemplar=True))
    assert failures(check_result(prometheus, wanted)) == []
    prometheus.exemplars = []
    result = check_result(prometheus, wanted)
    assert [outcome.panel_query.query.kind for outcome in result.failures] == ["exemplars"]


def test_missing_loki_fails_nothing(prometheus: FakePrometheus) -> None:
    result = check_result(
        prometheus, panel("Lines", {"refId": "A", "expr": "{}", "datasource": LOKI})
    )
    assert failures(result) == []
    assert {outcome.verdict.state for outcome in result.outcomes} == {"skipped"}


def test_annotation_may_be_empty_but_not_wrong(prometheus: FakePrometheus) -> None:
    marks = [
        {"name": name, "datasource": {"uid": "prometheus"}, "expr": expr}
        for name, expr in (("quiet", "gone_total"), ("wrong", "rate($x)"))
    ]
    failed = failures(check_result(prometheus, annotations={"list": marks}))
    assert [row[1] for row in failed] == ["annotation wrong"]


def test_typed_in_value_is_used(prometheus: FakePrometheus) -> None:
    check_result(prometheus, REQUESTS, rules=CheckOptions(presets={"service": "web"}))
    assert {query["query"] for query in prometheus.queries if "requests" in query["query"]} == {
        'requests_total{service=~"web"}'
    }
