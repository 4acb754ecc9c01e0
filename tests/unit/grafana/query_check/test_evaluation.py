from dataclasses import replace
from typing import Any

import pytest

from grafana.query_check import evaluation
from grafana.query_check.dashboard_file import Target
from grafana.query_check.data_sources import QueryResult, RejectedError
from grafana.query_check.evaluation import Age, QueryRunner, evaluate
from grafana.query_check.queries import PanelQuery, Query, QueryRequest
from grafana.query_check.times import TimeRange
from tests.unit.grafana.fake_prometheus import FakePrometheus

UP = QueryRequest("prometheus", "range", "up", TimeRange(0, 60_000), 5000)
HOUR = QueryRequest("prometheus", "range", "rate(x[1m])", TimeRange(0, 3_600_000), 60_000)
LINES = QueryRequest("loki", "range", "{}", TimeRange(0, 3_600_000), 1000)
OLD = Age(oldest=10 * 86_400_000, scrape=5000)


def panel_query(
    request: QueryRequest | None, problem: str = "", skipped: bool = False
) -> PanelQuery:
    target = Target("A", "", "prometheus", "prometheus", {})
    return PanelQuery(Query("d", "p", "A", "range"), target, request, problem, skipped)


@pytest.mark.parametrize(
    ("expr", "fake", "state", "message"),
    [
        ("up", {}, "fine", ""),
        ('up{service="unknown"}', {}, "empty", "no data"),
        ("up", {"value": "NaN"}, "empty", "no data"),
        ("rate(up[$__nonsense])", {}, "error", "400: parse error"),
        ("up", {"samples": 10_000_000}, "costly", "130,000,000 samples"),
    ],
)
def test_verdict_on_a_query(
    prometheus: FakePrometheus, expr: str, fake: dict[str, Any], state: str, message: str
) -> None:
    vars(prometheus).update(fake)
    runner = QueryRunner(prometheus.url, None)
    verdict = evaluate(panel_query(replace(UP, expr=expr)), runner, Age(10**10, 5000))
    assert (verdict.state, message in verdict.message) == (state, True)


def test_unsendable_query_is_an_error_or_skipped(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    assert evaluate(panel_query(None, "why"), runner, OLD).state == "error"
    assert evaluate(panel_query(None, "why", skipped=True), runner, OLD).state == "skipped"


def test_same_query_is_sent_once(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    assert runner.result(UP) is runner.result(UP)
    assert (len(prometheus.queries), runner.sent) == (1, 1)


def test_rejection_is_cached(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    for _ in range(2):
        with pytest.raises(RejectedError):
            runner.result(QueryRequest("prometheus", "instant", "$x", TimeRange(0, 1), 0))
    assert runner.sent == 1


def test_cost_is_that_of_the_end_of_the_range(prometheus: FakePrometheus) -> None:
    evaluate(panel_query(UP), QueryRunner(prometheus.url, None), OLD)
    assert [query["time"] for query in prometheus.queries if "time" in query] == ["60.000"]


def test_age_is_of_the_oldest_sample(prometheus: FakePrometheus) -> None:
    prometheus.series = [{"__name__": "prometheus_tsdb_lowest_timestamp_seconds"}]
    prometheus.value = "40"
    assert QueryRunner(prometheus.url, None).age(100_000) == Age(60_000, 5000)


@pytest.mark.parametrize(
    ("request_", "age", "expected"),
    [
        (HOUR, OLD, 100 * 61),
        (replace(HOUR, kind="instant", step=0), OLD, 100),
        # A window that begins before the oldest sample reads more once the store is full.
        (replace(HOUR, expr="avg_over_time(x[30d])"), OLD, 100 * 61 * 3),
        (replace(HOUR, expr="max_over_time(x[30d:1h]) + x[5m]"), OLD, 100 * 61 * 3),
        # Faster scrapes of a compressed stack lower the estimate.
        (replace(HOUR, expr="rate(x[10m])"), Age(oldest=60_000, scrape=500), 100 * 61),
        (replace(HOUR, expr="x"), Age(oldest=2500, scrape=5000), 100 * 61 * 2),
    ],
)
def test_samples_are_those_of_a_full_store(request_: QueryRequest, age: Age, expected: int) -> None:
    assert evaluation.samples(request_, QueryResult(samples=100), age) == expected


def test_loki_cost_is_estimated_for_the_range() -> None:
    read = QueryResult(size=10)
    assert evaluation.size(LINES, read, Age(60_000, 5000)) == 600
    assert evaluation.size(LINES, read, OLD) == 10


@pytest.mark.parametrize(
    ("request_", "result", "message"),
    [
        (HOUR, QueryResult(), ""),
        (HOUR, QueryResult(seconds=9), "It took 9.0 s; the maximum is 2 s."),
        (HOUR, QueryResult(samples=10**9), "samples of a full store; the maximum is 20,000,000."),
        (LINES, QueryResult(size=10**12), "bytes of a full store; the maximum is 500,000,000."),
    ],
)
def test_cost_error_names_the_maximum(
    request_: QueryRequest, result: QueryResult, message: str
) -> None:
    error = evaluation.cost_error(request_, result, result, OLD)
    assert message in error
    assert bool(error) is bool(message)
