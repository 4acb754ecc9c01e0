from collections.abc import Iterator
from functools import partial

import pytest

from alertdrill.drills.result import Line
from alertdrill.loads.errors import LoadError
from alertdrill.loads.events import Event, action_events, alert_events
from alertdrill.loads.measurements import TimeSpan
from tests.unit.alertdrill.loads.test_measurements import FakePrometheus
from tests.unit.apps.fake_peer import Answer, Peer

SPAN = TimeSpan(1_800_000_000.0, 1_800_000_100.0)
ACTIONS = b"""[
  {"id": "1", "kind": "scale_out", "service": "web", "target": "web", "state": "done",
   "started_at": "2027-01-15T08:00:10+00:00", "finished_at": "2027-01-15T08:00:12+00:00"},
  {"id": "2", "kind": "restart", "service": "web", "target": "web-1", "state": "running",
   "started_at": "2027-01-15T08:01:00Z", "finished_at": null},
  {"id": "3", "kind": "none", "service": "web", "target": "", "started_at": null},
  {"id": "4", "kind": "restart", "service": "web", "target": "web-2", "state": "done",
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
        return [Line(labels, [(SPAN.begin + at, 1.0) for at in times])]


def test_each_firing_of_an_alert_is_an_event() -> None:
    alerts = alert_events(Firing(), SPAN)
    assert [(alert.name, alert.began - SPAN.begin) for alert in alerts] == [
        ("Saturated web", 10), ("Saturated web", 60), ("Saturated web", 95)
    ]  # fmt: skip
    assert [alert.ended and alert.ended - SPAN.begin for alert in alerts] == [20, 60, None]


def test_actions_within_the_time_span_are_events(responder: Peer) -> None:
    responder.answer = partial(Answer, 200, ACTIONS)
    assert action_events(responder.url, SPAN) == [
        Event("action", "scale out web", SPAN.begin + 10, SPAN.begin + 12),
        Event("action", "restart web-1", SPAN.begin + 60, None),
    ]


def test_responder_without_an_action_list_gives_no_events(responder: Peer) -> None:
    responder.answer = partial(Answer, 404)
    assert action_events(responder.url, SPAN) == []


@pytest.mark.parametrize("body", [b"x", b'[{"kind": "restart", "started_at": "soon"}]', b"[1]"])
def test_malformed_action_list_is_an_error(responder: Peer, body: bytes) -> None:
    responder.answer = partial(Answer, 200, body)
    with pytest.raises(LoadError, match=r"^cannot read the responder's actions"):
        action_events(responder.url, SPAN)
