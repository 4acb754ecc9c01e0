from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from alertdrill.clients.prometheus import Line
from alertdrill.load.measurements import (
    action_events,
    alert_events,
    chart_lines,
    count_requests,
    rest_of_peak,
)
from alertdrill.load.profile import LoadError, Recovery, load_profile
from alertdrill.load.result import Event, LocustStats, RequestStats, TimeSpan
from tests.http_server import Answer, Peer
from tests.unit.alertdrill.load.samples import FakePrometheus

SPAN = TimeSpan(1000.0, 1060.0)


def test_requests_are_counted_within_the_time_span() -> None:
    prometheus = FakePrometheus(requests_total=1440, responses_total=3, quantile=0.12)
    assert count_requests(prometheus, "web", SPAN) == RequestStats(1440, 3, 0.12)
    assert any("[60s] @ 1060.000" in query for query in prometheus.queries)


@pytest.mark.parametrize("answers", [{}, {"quantile": float("nan")}])
def test_no_requests_have_no_percentile(answers: dict[str, float]) -> None:
    assert count_requests(FakePrometheus(**answers), "web", SPAN) == RequestStats(0, 0, None)


@pytest.mark.parametrize(
    ("end", "rest"),
    [
        (1900.0, (1000 + 72 + 300, 1540)),  # after the deadline, until the peak ends
        (1100.0, (1060, 1060)),  # a peak that is shorter than the deadline
    ],
)
def test_p95_must_hold_for_the_rest_of_the_peak(end: float, rest: tuple[float, float]) -> None:
    recovery = Recovery(deadline=300)
    assert rest_of_peak(load_profile("spike"), recovery, TimeSpan(1000.0, end)) == pytest.approx(
        rest
    )


def test_charts_have_rates_over_four_scrapes() -> None:
    values = [Line({"service": "web"}, [(1000.0, 2.0)])]
    prometheus = FakePrometheus(**dict.fromkeys(("rate(", "up{"), values))
    locust = LocustStats(RequestStats(5, 2, 0.1), {}, {1000: 3, 1001: 2}, {1001: 2})
    profile = load_profile("spike")
    charts = chart_lines(prometheus, profile, SPAN, locust)
    counted = [(1000.0, 2.0)]
    assert charts["Requests per second"] == {
        "Prometheus": counted,
        "Locust": [(1000, 3), (1001, 2)],
    }
    assert charts["Failed requests per second"]["Locust"] == [(1000, 0), (1001, 2)]
    assert charts["Ready instances"] == {"web": counted}
    latency = charts["95th percentile latency, seconds"]
    assert [*latency.values()][:3] == [counted, counted, [(1000, 2), (1060, 2)]]
    assert list(latency["objective for the rest"][0]) == pytest.approx([1036, 0.5])
    assert sum("[20000ms]" in query for query in prometheus.queries) == 4
    assert all(query.endswith(" 1000 1060 5.0") for query in prometheus.queries)


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


def test_each_firing_of_an_alert_is_an_event() -> None:
    times = [EVENTS_SPAN.begin + at for at in (10, 15, 20, 60, 95, 100)]
    labels = {"alertname": "Saturated", "service": "web"}
    prometheus: Any = FakePrometheus(ALERTS=[Line(labels, [(at, 1.0) for at in times])])
    alerts = alert_events(prometheus, EVENTS_SPAN)
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
