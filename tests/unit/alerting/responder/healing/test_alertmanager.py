from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alerting.responder.healing.alertmanager import AlertmanagerClient
from tests.unit.apps.fake_peer import Answer, Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


STATES = {
    "active": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "inhibited": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["x"]},
    "silenced": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": []},
}


def test_firing_alerts_have_their_silences(peer: Peer) -> None:
    rest = {
        "labels": {"alertname": "InstanceDown"},
        "startsAt": "2025-11-23T17:00:00.250Z",
        "receivers": [{"name": "mail"}, {"name": "responder"}],
    }
    alerts = [{"fingerprint": name, "status": status, **rest} for name, status in STATES.items()]
    peer.answer = lambda: Answer(200, json.dumps(alerts).encode())
    firing = AlertmanagerClient(peer.url).firing_alerts()
    assert firing is not None
    assert {name: (alert.silenced, alert.notifies_responder) for name, alert in firing.items()} == {
        "active": (False, True),
        "inhibited": (False, False),
        "silenced": (True, False),
    }
    started_at = datetime(2025, 11, 23, 17, 0, 0, 250000, tzinfo=UTC)
    assert [(alert.name, alert.starts_at) for alert in firing.values()] == [
        ("InstanceDown", started_at)
    ] * 3
    assert peer.arrivals[0].path == "/api/v2/alerts"


def test_alerts_of_other_receivers_do_not_notify(peer: Peer) -> None:
    alerts = {
        "fingerprint": "print",
        "status": STATES["active"],
        "labels": {"alertname": "InstanceDown"},
        "startsAt": "2025-11-23T17:00:00.250Z",
        "receivers": [{"name": "mail"}],
    }
    peer.answer = lambda: Answer(200, json.dumps([alerts]).encode())
    firing = AlertmanagerClient(peer.url).firing_alerts()
    assert firing is not None
    assert not firing["print"].notifies_responder


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(500), Answer(200, b"no"), Answer(200, b"[1]")]
)
def test_unreachable_alertmanager_returns_none(peer: Peer, answer: Answer) -> None:
    peer.answer = lambda: answer
    assert AlertmanagerClient(peer.url).firing_alerts() is None
