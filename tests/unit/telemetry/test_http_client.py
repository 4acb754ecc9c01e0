from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from flask import Flask

from alertdrill_telemetry import Telemetry, TelemetrySettings, init_app
from tests.http_server import Answer, Peer

SECONDS = "http_client_request_duration_seconds_count"


@pytest.fixture
def telemetry() -> Telemetry:
    # A silent peer costs the tests 0.2 s; an answer over the loopback takes far less.
    settings = TelemetrySettings("web", "web-1", connect_timeout=0.2, read_timeout=0.2)
    return init_app(Flask("web"), "web", settings)


@pytest.fixture
def session(telemetry: Telemetry) -> Iterator[requests.Session]:
    with telemetry.session("peer") as session:
        yield session


@pytest.fixture
def closed_url() -> str:
    """Return an address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def counted(telemetry: Telemetry, method: str, status: str) -> float | None:
    labels = {"peer": "peer", "method": method, "status": status}
    return telemetry.metrics.registry.get_sample_value(SECONDS, labels)


def test_calls_are_counted_by_peer(
    telemetry: Telemetry, session: requests.Session, peer: Peer, closed_url: str
) -> None:
    session.get(peer.url)
    session.post(f"{peer.url}/some/path")
    peer.answer = lambda: Answer(503)
    session.post(peer.url)
    with pytest.raises(requests.ConnectionError):
        session.get(closed_url)
    assert counted(telemetry, "GET", "200") == 1
    assert counted(telemetry, "POST", "200") == 1
    assert counted(telemetry, "POST", "503") == 1
    assert counted(telemetry, "GET", "error") == 1


def test_silent_peer_is_a_timeout(
    telemetry: Telemetry, session: requests.Session, peer: Peer
) -> None:
    release = threading.Event()
    peer.answer = lambda: Answer() if release.wait(30) else Answer(500)
    begun = time.perf_counter()
    with pytest.raises(requests.Timeout):
        session.post(peer.url)
    assert time.perf_counter() - begun < 2
    release.set()
    assert len(peer.requests) == 1
    assert counted(telemetry, "POST", "error") == 1


def test_full_backlog_is_a_timeout(session: requests.Session) -> None:
    with socket.socket() as server, socket.socket() as queued:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        queued.connect(server.getsockname())  # takes the only slot of the backlog; nothing accepts
        with pytest.raises(requests.Timeout):
            session.get(f"http://127.0.0.1:{server.getsockname()[1]}")


def test_call_may_have_its_own_limit(session: requests.Session, peer: Peer) -> None:
    release = threading.Event()
    peer.answer = lambda: Answer(200 if release.wait(0.4) else 201)
    assert session.post(peer.url, timeout=5).status_code == 201


@pytest.mark.parametrize("answer", [Answer(0), Answer(503, b"", {"Retry-After": "0"}), Answer(500)])
def test_sent_request_is_never_repeated(
    session: requests.Session, peer: Peer, answer: Answer
) -> None:
    peer.answer = lambda: answer
    for method in ("POST", "GET"):
        try:
            assert session.request(method, peer.url).status_code == answer.status
        except requests.ConnectionError:
            assert answer.status == 0
    assert [arrival.method for arrival in peer.requests] == ["POST", "GET"]


def test_refused_connection_is_retried(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Peer] = []
    port = reserved_port()

    def pause(seconds: float) -> None:
        assert seconds == pytest.approx(0.2)  # two attempts have failed by now
        late.append(Peer(port))

    monkeypatch.setattr("urllib3.util.retry.time.sleep", pause)
    assert session.post(f"http://127.0.0.1:{port}", data=b"x").status_code == 200
    monkeypatch.undo()
    (peer,) = late
    assert [arrival.body for arrival in peer.requests] == [b"x"]
    peer.close()


def reserved_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_connections_are_reused(session: requests.Session, peer: Peer) -> None:
    for _ in range(5):
        session.post(peer.url, data=b"x")
    assert len(peer.requests) == 5
    assert len({arrival.port for arrival in peer.requests}) == 1


def test_proxy_variables_change_nothing(
    session: requests.Session, peer: Peer, closed_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, closed_url)
    assert session.get(peer.url).status_code == 200


def test_call_outside_a_request_has_no_context(session: requests.Session, peer: Peer) -> None:
    session.get(peer.url)
    (arrival,) = peer.requests
    assert "traceparent" not in arrival.headers
    assert "X-Request-ID" not in arrival.headers
