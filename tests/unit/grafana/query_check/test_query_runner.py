import pytest

from grafana.query_check.errors import RejectedError
from grafana.query_check.panel_queries import QueryRequest
from grafana.query_check.query_runner import QueryRunner
from grafana.query_check.time_range import TimeRange
from tests.unit.grafana.fake_prometheus import FakePrometheus

ASK = QueryRequest("prometheus", "range", "up", TimeRange(0, 60_000), 5000)


def test_same_query_is_sent_once(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    assert runner.result(ASK) is runner.result(ASK)
    assert (len(prometheus.queries), runner.sent) == (1, 1)


def test_rejection_is_cached(prometheus: FakePrometheus) -> None:
    runner = QueryRunner(prometheus.url, None)
    for _ in range(2):
        with pytest.raises(RejectedError):
            runner.result(QueryRequest("prometheus", "instant", "$x", TimeRange(0, 1), 0))
    assert runner.sent == 1


def test_end_of_range_is_queried_separately(prometheus: FakePrometheus) -> None:
    QueryRunner(prometheus.url, None).last(ASK)
    assert [query["time"] for query in prometheus.queries] == ["60.000"]


def test_age_is_of_the_oldest_sample(prometheus: FakePrometheus) -> None:
    prometheus.series = [{"__name__": "prometheus_tsdb_lowest_timestamp_seconds"}]
    prometheus.value = "40"
    age = QueryRunner(prometheus.url, None).age(100_000)
    assert (age.oldest, age.scrape) == (60_000, 5000)
