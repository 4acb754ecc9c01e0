from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alerting.responder.clients import (
    AlertmanagerClient,
    ControlApiClient,
    Instance,
    Service,
)
from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from tests.http_server import Answer, Peer

SEEN = {
    "instances": [
        {"name": f"web-{number}", "service": "web", "state": state, "healing_enabled": number != 6}
        for number, state in enumerate(
            ("ready", "unready", "starting", "paused", "stopped", "failed", "standby"), 1
        )
    ],
    "services": {
        "web": {"min_replicas": 2, "max_replicas": 4, "scale": 3, "healing_enabled": True}
    },
}


@pytest.fixture
def peer() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


@pytest.fixture
def control(peer: Peer) -> ControlApiClient:
    return ControlApiClient(peer.url + "/", "secret")


def answering(peer: Peer, status: int, document: object) -> None:
    peer.answer = lambda: Answer(status, json.dumps(document).encode())


def test_state_has_every_instance(control: ControlApiClient, peer: Peer) -> None:
    answering(peer, 200, SEEN)
    instances, services = control.get_state()
    states = ["ready", "unready", "unready", "unready", "down", "down", "standby"]
    assert [instance.state for instance in instances] == states
    assert instances[5] == Instance("web-6", "web", "down", healing_enabled=False)
    assert services == {"web": Service(3, 2, 4, healing_enabled=True)}
    assert peer.requests[0].path == "/instances"
    assert peer.requests[0].headers["Authorization"] == "Bearer secret"


def test_restart_sends_grace_period_and_key(control: ControlApiClient, peer: Peer) -> None:
    control.restart("web-1", 0.0, "7-1.5")
    control.restart("web-1", None, "8-1.5")
    first, second = peer.requests
    assert (first.method, first.path) == ("POST", "/instances/web-1/restart")
    assert (json.loads(first.body), first.headers["Idempotency-Key"]) == (
        {"grace_period": 0.0},
        "7-1.5",
    )
    assert json.loads(second.body) == {}


def test_scaling_sends_the_number(control: ControlApiClient, peer: Peer) -> None:
    control.scale("web", 3, "9-1.5")
    (arrival,) = peer.requests
    assert (arrival.method, arrival.path) == ("PUT", "/services/web/scale")
    assert json.loads(arrival.body) == {"instances": 3}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
def test_refusal_has_its_reason(control: ControlApiClient, peer: Peer, status: int) -> None:
    answering(peer, status, {"detail": "It is the only one."})
    with pytest.raises(ControlApiError, match="It is the only one") as raised:
        control.restart("web-1", None, "key")
    assert not isinstance(raised.value, ControlApiUnavailableError)


def test_refusal_without_detail_has_its_status(control: ControlApiClient, peer: Peer) -> None:
    answering(peer, 409, [])
    with pytest.raises(ControlApiError, match="409"):
        control.get_state()


def test_unavailable_stack_can_be_retried(control: ControlApiClient, peer: Peer) -> None:
    answering(peer, 503, {"detail": "The stack is down."})
    with pytest.raises(ControlApiUnavailableError, match="The stack is down"):
        control.get_state()


@pytest.mark.parametrize("answer", [Answer(0), Answer(200, b"<html>")])
def test_other_protocol_is_unavailable(
    control: ControlApiClient, peer: Peer, answer: Answer
) -> None:
    peer.answer = lambda: answer
    with pytest.raises(ControlApiUnavailableError, match="does not answer"):
        control.get_state()


@pytest.mark.parametrize("document", [[], {"instances": [{}]}, {"instances": [], "services": []}])
def test_unexpected_answer_is_an_error(
    control: ControlApiClient, peer: Peer, document: object
) -> None:
    answering(peer, 200, document)
    with pytest.raises(ControlApiError, match="has another form"):
        control.get_state()


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
    assert peer.requests[0].path == "/api/v2/alerts"


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
