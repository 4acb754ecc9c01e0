from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alerting.responder.healing.alertmanager import AlertmanagerClient
from tests.unit.apps.loopback import Answer, Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


STATES = {
    "told": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "inhibited": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["x"]},
    "silenced": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": []},
}


def test_what_it_holds_is_told_with_silences(peer: Peer) -> None:
    rest = {
        "labels": {"alertname": "InstanceDown"},
        "startsAt": "2025-11-23T17:00:00.250Z",
        "receivers": [{"name": "mail"}, {"name": "responder"}],
    }
    found = [{"fingerprint": name, "status": status, **rest} for name, status in STATES.items()]
    peer.answer = lambda: Answer(200, json.dumps(found).encode())
    held = AlertmanagerClient(peer.url).firing_alerts()
    assert held is not None
    assert {name: (each.silenced, each.notifies_responder) for name, each in held.items()} == {
        "told": (False, True),
        "inhibited": (False, False),
        "silenced": (True, False),
    }
    started_at = datetime(2025, 11, 23, 17, 0, 0, 250000, tzinfo=UTC)
    assert [(each.name, each.starts_at) for each in held.values()] == [
        ("InstanceDown", started_at)
    ] * 3
    assert peer.arrivals[0].path == "/api/v2/alerts"


def test_what_is_for_others_is_not_told(peer: Peer) -> None:
    found = {
        "fingerprint": "print",
        "status": STATES["told"],
        "labels": {"alertname": "InstanceDown"},
        "startsAt": "2025-11-23T17:00:00.250Z",
        "receivers": [{"name": "nobody"}],
    }
    peer.answer = lambda: Answer(200, json.dumps([found]).encode())
    held = AlertmanagerClient(peer.url).firing_alerts()
    assert held is not None
    assert not held["print"].notifies_responder


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(500), Answer(200, b"no"), Answer(200, b"[1]")]
)
def test_who_can_not_be_asked_says_nothing(peer: Peer, answer: Answer) -> None:
    peer.answer = lambda: answer
    assert AlertmanagerClient(peer.url).firing_alerts() is None
