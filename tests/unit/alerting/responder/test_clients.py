from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerting.responder.clients import AlertmanagerClient, ControlApiClient, RuleEvaluators
from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from tests.http_server import Answer, Peer

SEEN = {
    "instances": [
        {"name": f"web-{number}", "service": "web", "state": state, "healing_enabled": number != 5}
        for number, state in enumerate(("ready", "unready", "stopped", "failed", "standby"), 1)
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
    state = control.get_state()
    assert state.model_dump() == SEEN
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
    assert [request.headers["X-Request-ID"] for request in peer.requests] == ["7-1.5", "8-1.5"]


def test_scaling_sends_the_number(control: ControlApiClient, peer: Peer) -> None:
    control.scale("web", 3, "9-1.5")
    (arrival,) = peer.requests
    assert (arrival.method, arrival.path) == ("PUT", "/services/web/scale")
    assert json.loads(arrival.body) == {"instances": 3}


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        *(
            (Answer(status, b'{"detail": "It is the only one."}'), ControlApiError, "the only one")
            for status in (400, 401, 403, 404, 409, 500)
        ),
        (Answer(409, b"[]"), ControlApiError, "409"),
        *(
            (Answer(200, body), ControlApiError, "has another form")
            for body in (b"[]", b'{"instances": [{}]}', b'{"instances": [], "services": []}')
        ),
        (Answer(503, b'{"detail": "It is down."}'), ControlApiUnavailableError, "It is down"),
        (Answer(0), ControlApiUnavailableError, "does not answer"),
        (Answer(200, b"<html>"), ControlApiUnavailableError, "does not answer"),
    ],
)
def test_only_an_unavailable_api_can_be_retried(
    control: ControlApiClient, peer: Peer, answer: Answer, error: type[Exception], message: str
) -> None:
    peer.answer = lambda: answer
    with pytest.raises(ControlApiError, match=message) as raised:
        control.get_state()
    assert raised.type is error


STATES = {
    "active": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    "inhibited": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["x"]},
    "silenced": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": []},
}


def test_firing_alerts_have_their_silences(peer: Peer) -> None:
    rest = {"labels": {"alertname": "InstanceDown"}, "startsAt": "2025-11-23T17:00:00.250Z"}
    receivers = [{"name": "mail"}, {"name": "responder"}]
    alerts = [
        *(
            {"fingerprint": name, "status": status, "receivers": receivers, **rest}
            for name, status in STATES.items()
        ),
        {"fingerprint": "mail", "status": STATES["active"], "receivers": receivers[:1], **rest},
    ]
    answering(peer, 200, alerts)
    firing = AlertmanagerClient(peer.url).firing_alerts()
    assert firing is not None
    assert {name: (alert.silenced, alert.notifies_responder) for name, alert in firing.items()} == {
        "active": (False, True),
        "inhibited": (False, False),
        "silenced": (True, False),
        "mail": (False, False),
    }
    started_at = datetime(2025, 11, 23, 17, 0, 0, 250000, tzinfo=UTC)
    assert {(a.name, a.starts_at) for a in firing.values()} == {("InstanceDown", started_at)}
    assert peer.requests[0].path == "/api/v2/alerts"


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(500), Answer(200, b"no"), Answer(200, b"[1]")]
)
def test_unreachable_alertmanager_returns_none(peer: Peer, answer: Answer) -> None:
    peer.answer = lambda: answer
    assert AlertmanagerClient(peer.url).firing_alerts() is None


def test_alertmanager_gets_the_password_of_the_file(peer: Peer, tmp_path: Path) -> None:
    answering(peer, 200, [])
    file = tmp_path / "password"
    client = AlertmanagerClient(peer.url, file)
    for password in ("old", "new"):
        file.write_text(f"{password}\n")
        assert client.firing_alerts() == {}
        sent = peer.requests[-1].headers["Authorization"].removeprefix("Basic ")
        assert base64.b64decode(sent).decode() == f"alertdrill:{password}"


def test_refused_password_is_logged_once_with_its_file(
    peer: Peer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answering(peer, 401, "Unauthorized")
    file = tmp_path / "password"
    file.write_text("wrong")
    client = AlertmanagerClient(peer.url, file)
    assert [client.firing_alerts() for _ in range(3)] == [None] * 3
    (line,) = caplog.messages
    assert line.startswith(f"Alertmanager refused the password in {file}: restart the stack")


def test_prometheus_and_loki_tell_what_fires(peer: Peer) -> None:
    states = {"firing": "InstanceDown", "pending": "InstanceHung"}
    alerts = [{"labels": {"alertname": name}, "state": state} for state, name in states.items()]
    answering(peer, 200, {"data": {"alerts": alerts}})
    firing = RuleEvaluators(peer.url, f"{peer.url}/loki/").firing_alerts()
    assert firing == [{"alertname": "InstanceDown"}] * 2
    paths = [request.path for request in peer.requests]
    assert paths == ["/api/v1/alerts", "/loki/prometheus/api/v1/alerts"]


@pytest.mark.parametrize(
    "answer", [Answer(0), Answer(500), Answer(200, b"no"), Answer(200, b"[1]")]
)
def test_unreachable_prometheus_has_nothing_that_fires(peer: Peer, answer: Answer) -> None:
    peer.answer = lambda: answer
    assert RuleEvaluators(peer.url).firing_alerts() == []
