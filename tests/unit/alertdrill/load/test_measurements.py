from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from alertdrill.clients.prometheus import Line, Prometheus
from alertdrill.load.locust import RequestStats
from alertdrill.load.measurements import (
    Event,
    TimeSpan,
    action_events,
    alert_events,
    clients_p95,
    count_requests,
    query_time_series,
)
from alertdrill.load.profile import LoadError
from tests.http_server import Answer, Peer

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

    def query(self, query: str, at: float | None = None) -> list[Any]:
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
    assert count_requests(prometheus, "web", SPAN) == RequestStats(1440, 3, 0.12)
    assert "[60s] @ 1060.000" in prometheus.queries[0]


@pytest.mark.parametrize("answers", [{}, {"quantile": float("nan")}])
def test_no_requests_have_no_percentile(answers: dict[str, float]) -> None:
    assert count_requests(FakePrometheus(**answers), "web", SPAN) == RequestStats(0, 0, None)


def test_time_series_are_rates_over_four_scrapes() -> None:
    prometheus = FakePrometheus()
    assert set(query_time_series(prometheus, "web", SPAN)) == {
        "requests per second",
        "failed per second",
        "p95, seconds",
        "p95 of the service, seconds",
        "instances",
    }
    assert sum("[20000ms]" in query for query in prometheus.queries) == 4
    assert all(query.endswith("(1000.0, 1060.0) 5.0") for query in prometheus.queries)


def test_clients_p95_is_measured_by_locust() -> None:
    prometheus = FakePrometheus(locust_response_time=0.7)
    assert clients_p95(prometheus, SPAN) == 0.7
    assert clients_p95(FakePrometheus(), SPAN) is None


EVENTS_SPAN = TimeSpan(1_800_000_000.0, 1_800_000_100.0)
ACTIONS = b"""[
  {"kind": "restart", "service": "web", "target": "web-1", "state": "running",
   "alert": "InstanceHung", "dry_run": false,
   "started_at": "2027-01-15T08:01:00Z", "finished_at": null},
  {"kind": "scale_out", "service": "web", "target": "web", "state": "done",
   "alert": "Saturated", "dry_run": false,
   "started_at": "2027-01-15T08:00:10+00:00", "finished_at": "2027-01-15T08:00:12+00:00"},
  {"kind": "restart", "service": "web", "target": "web-2", "state": "done",
   "alert": "InstanceHung", "dry_run": false,
   "started_at": "2027-01-15T07:00:00Z", "finished_at": "2027-01-15T07:00:09Z"}
]"""


@pytest.fixture
def responder() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


class Firing(FakePrometheus):
    def query_range(self, query: str, span: tuple[float, float], step: float) -> list[Line]:
        times = [10, 15, 20, 60, 95, 100]
        labels = {"alertname": "Saturated", "service": "web"}
        return [Line(labels, [(EVENTS_SPAN.begin + at, 1.0) for at in times])]


def test_each_firing_of_an_alert_is_an_event() -> None:
    alerts = alert_events(Firing(), EVENTS_SPAN)
    assert [(alert.name, alert.began - EVENTS_SPAN.begin) for alert in alerts] == [
        ("Saturated web", 10), ("Saturated web", 60), ("Saturated web", 95)
    ]  # fmt: skip
    assert [alert.ended and alert.ended - EVENTS_SPAN.begin for alert in alerts] == [20, 60, None]


def test_actions_within_the_time_span_are_events(responder: Peer) -> None:
    responder.answer = partial(Answer, 200, ACTIONS)
    assert action_events(responder.url, EVENTS_SPAN) == [
        Event("action", "scale out web", EVENTS_SPAN.begin + 10, EVENTS_SPAN.begin + 12),
        Event("action", "restart web-1", EVENTS_SPAN.begin + 60, None),
    ]


@pytest.mark.parametrize("body", [b"x", b'[{"kind": "restart", "started_at": "soon"}]', b"[1]"])
def test_malformed_action_list_is_an_error(responder: Peer, body: bytes) -> None:
    responder.answer = partial(Answer, 200, body)
    with pytest.raises(LoadError, match=r"^cannot read the responder's actions"):
        action_events(responder.url, EVENTS_SPAN)
