from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from alerting.responder.healing.alertmanager import Alertmanager
from tests.unit.apps.loopback import Answer, Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def test_what_fires_is_told_with_its_silences(peer: Peer) -> None:
    found = [
        {"fingerprint": "a", "status": {"silencedBy": [], "inhibitedBy": ["x"]}},
        {"fingerprint": "b", "status": {"silencedBy": ["s"], "inhibitedBy": []}},
    ]
    peer.answer = lambda: Answer(200, json.dumps(found).encode())
    assert Alertmanager(peer.url).silenced() == {"a": False, "b": True}
    assert peer.arrivals[0].path == "/api/v2/alerts"


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(500), Answer(200, b"no"), Answer(200, b"[1]")]
)
def test_who_can_not_be_asked_says_nothing(peer: Peer, answer: Answer) -> None:
    peer.answer = lambda: answer
    assert Alertmanager(peer.url).silenced() is None
