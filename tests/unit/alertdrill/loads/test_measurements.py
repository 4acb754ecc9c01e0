from typing import Any

import pytest

from alertdrill.drills.clients import Prometheus
from alertdrill.loads.locust_stats import RequestStats
from alertdrill.loads.measurements import TimeSpan, clients_p95, count_requests, query_time_series

SPAN = TimeSpan(1000.0, 1060.0)


class FakePrometheus(Prometheus):
    """A Prometheus that answers by a word in the query and records the queries."""

    def __init__(self, **answers: float) -> None:
        super().__init__("http://prometheus")
        self.answers = answers
        self.queries: list[str] = []
        # The minimums that the responder shows.
        self.min_replicas: dict[str, int] = {}

    def value(self, promql: str) -> float | None:
        self.queries.append(promql)
        return next((number for word, number in self.answers.items() if word in promql), None)

    def scrape_interval(self) -> float:
        return 5.0

    def query(self, query: str) -> list[Any]:
        """Return a counter that started at 100 and grew by the answer."""
        self.queries.append(query)
        if "responder_min_replicas" in query:
            return [
                {"metric": {"scaled_service": service}, "value": [1061.0, str(minimum)]}
                for service, minimum in self.min_replicas.items()
            ]
        increase = next((number for word, number in self.answers.items() if word in query), None)
        values = [] if increase is None else [(999.0, "100"), (1061.0, str(100 + increase))]
        return [{"metric": {}, "values": values}]

    def query_range(self, query: str, span: tuple[float, float], step: float) -> list[Any]:
        self.queries.append(f"{query} {span} {step}")
        return []


def test_requests_are_counted_within_the_time_span() -> None:
    prometheus = FakePrometheus(requests_total=1440, responses_total=3, quantile=0.12)
    assert count_requests(prometheus, SPAN) == RequestStats(1440, 3, 0.12)
    assert "[60s] @ 1060.000" in prometheus.queries[0]


@pytest.mark.parametrize("answers", [{}, {"quantile": float("nan")}])
def test_no_requests_have_no_percentile(answers: dict[str, float]) -> None:
    assert count_requests(FakePrometheus(**answers), SPAN) == RequestStats(0, 0, None)


def test_time_series_are_rates_over_four_scrapes() -> None:
    prometheus = FakePrometheus()
    assert set(query_time_series(prometheus, SPAN)) == {
        "requests per second",
        "failed per second",
        "p95, seconds",
        "p95 of web, seconds",
        "instances",
    }
    assert sum("[20000ms]" in query for query in prometheus.queries) == 4
    assert all(query.endswith("(1000.0, 1060.0) 5.0") for query in prometheus.queries)


def test_clients_p95_is_measured_by_locust() -> None:
    prometheus = FakePrometheus(locust_response_time=0.7)
    assert clients_p95(prometheus, SPAN) == 0.7
    assert clients_p95(FakePrometheus(), SPAN) is None
