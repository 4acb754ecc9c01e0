from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from alerting.responder.healing.control_client import ControlApiClient
from alerting.responder.healing.snapshot import Instance, Service
from tests.unit.apps.fake_peer import Answer, Peer

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
    server = PutPeer()
    yield server
    server.close()


class PutPeer(Peer):
    """A peer that also accepts PUT."""

    def _handler(self) -> type:
        handler = super()._handler()
        handler.do_PUT = handler.do_POST  # type: ignore[attr-defined]
        return handler


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
    assert peer.arrivals[0].path == "/instances"
    assert peer.arrivals[0].headers["Authorization"] == "Bearer secret"


def test_restart_sends_grace_period_and_key(control: ControlApiClient, peer: Peer) -> None:
    control.restart("web-1", 0.0, "7-1.5")
    control.restart("web-1", None, "8-1.5")
    first, second = peer.arrivals
    assert (first.method, first.path) == ("POST", "/instances/web-1/restart")
    assert (json.loads(first.body), first.headers["Idempotency-Key"]) == (
        {"grace_period": 0.0},
        "7-1.5",
    )
    assert json.loads(second.body) == {}


def test_scaling_sends_the_number(control: ControlApiClient, peer: Peer) -> None:
    control.scale("web", 3, "9-1.5")
    (arrival,) = peer.arrivals
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
