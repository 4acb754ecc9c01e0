from grafana.query_check.cost import Age
from grafana.query_check.dashboard_file import Source, Target
from grafana.query_check.evaluation import evaluate
from grafana.query_check.panel_queries import PanelQuery, Query, QueryRequest
from grafana.query_check.query_runner import QueryRunner
from grafana.query_check.time_range import TimeRange
from tests.unit.grafana.fake_prometheus import FakePrometheus

OLD = Age(10**10, 5000)


def verdict(prometheus: FakePrometheus, expr: str) -> tuple[str, str]:
    request = QueryRequest("prometheus", "range", expr, TimeRange(0, 60_000), 5000)
    result = evaluate(panel_query(request), QueryRunner(prometheus.url, None), OLD)
    return result.state, result.message


def panel_query(
    request: QueryRequest | None, problem: str = "", skipped: bool = False
) -> PanelQuery:
    target = Target("A", "", Source("prometheus", "prometheus"), {})
    return PanelQuery(Query("d", "p", "A", "range"), target, request, "p", problem, skipped)


def test_query_with_data_is_fine(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, "up") == ("fine", "")


def test_no_series_are_empty(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, 'up{service="unknown"}')[0] == "empty"


def test_only_nan_is_empty(prometheus: FakePrometheus) -> None:
    prometheus.value = "NaN"
    assert verdict(prometheus, "up")[0] == "empty"


def test_rejection_is_an_error(prometheus: FakePrometheus) -> None:
    assert verdict(prometheus, "rate(up[$__nonsense])")[0] == "error"


def test_too_many_samples_are_costly(prometheus: FakePrometheus) -> None:
    prometheus.samples = 10_000_000
    state, message = verdict(prometheus, "up")
    assert (state, "130,000,000 samples" in message) == ("costly", True)


def test_unsendable_query_is_an_error_or_skipped(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    assert evaluate(panel_query(None, "why"), runner, OLD).state == "error"
    assert evaluate(panel_query(None, "why", skipped=True), runner, OLD).state == "skipped"
