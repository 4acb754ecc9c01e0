from typing import Any

import pytest

from alertdrill.drills.clients import Prometheus
from alertdrill.loads.locust_stats import RequestStats
from alertdrill.loads.measurements import TimeSpan, clients_p95, count_requests, query_time_series

SPAN = TimeSpan(1000.0, 1060.0)


class Fake(Prometheus):
    """Answers by a word in the query, and remembers what it was asked."""

    def __init__(self, **answers: float) -> None:
        super().__init__("http://prometheus")
        self.answers = answers
        self.asked: list[str] = []
        # The minimums that the responder shows.
        self.min_replicas: dict[str, int] = {}

    def value(self, promql: str) -> float | None:
        self.asked.append(promql)
        return next((found for word, found in self.answers.items() if word in promql), None)

    def scrape_interval(self) -> float:
        return 5.0

    def query(self, query: str) -> list[Any]:
        """Return a counter that stood at 100 and grew by what is asked for."""
        self.asked.append(query)
        if "responder_min_replicas" in query:
            return [
                {"metric": {"scaled_service": service}, "value": [1061.0, str(minimum)]}
                for service, minimum in self.min_replicas.items()
            ]
        grown = next((found for word, found in self.answers.items() if word in query), None)
        values = [] if grown is None else [(999.0, "100"), (1061.0, str(100 + grown))]
        return [{"metric": {}, "values": values}]

    def query_range(self, query: str, span: tuple[float, float], step: float) -> list[Any]:
        self.asked.append(f"{query} {span} {step}")
        return []


def test_numbers_are_of_the_span() -> None:
    prometheus = Fake(requests_total=1440, responses_total=3, quantile=0.12)
    assert count_requests(prometheus, SPAN) == RequestStats(1440, 3, 0.12)
    assert "[60s] @ 1060.000" in prometheus.asked[0]


@pytest.mark.parametrize("answers", [{}, {"quantile": float("nan")}])
def test_nothing_counted_has_no_percentile(answers: dict[str, float]) -> None:
    assert count_requests(Fake(**answers), SPAN) == RequestStats(0, 0, None)


def test_courses_are_rates_over_some_scrapes() -> None:
    prometheus = Fake()
    assert set(query_time_series(prometheus, SPAN)) == {
        "requests per second",
        "failed per second",
        "p95, seconds",
        "p95 of web, seconds",
        "instances",
    }
    assert sum("[20000ms]" in query for query in prometheus.asked) == 4
    assert all(query.endswith("(1000.0, 1060.0) 5.0") for query in prometheus.asked)


def test_clients_p95_has_the_wait_in_it() -> None:
    prometheus = Fake(locust_response_time=0.7)
    assert clients_p95(prometheus, SPAN) == 0.7
    assert clients_p95(Fake(), SPAN) is None
