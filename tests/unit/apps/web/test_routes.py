from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from alertdrill_telemetry import TelemetrySettings
from apps.web import create_app
from apps.web.settings import WebSettings
from tests.http_server import Answer, Peer

FAILURES, SECONDS = 3, 7.0
PROBLEM = {"Content-Type": "application/problem+json"}


def web(data_service_url: str) -> Flask:
    telemetry = TelemetrySettings(
        "web", "web-1", max_body_bytes=1000, connect_timeout=0.3, read_timeout=0.3
    )
    return create_app(WebSettings(data_service_url, FAILURES, SECONDS), telemetry)


@pytest.fixture
def app(peer: Peer) -> Flask:
    return web(peer.url)


def ask(client: FlaskClient, body: str = '[{"a": 1}]') -> TestResponse:
    return client.post("/process", data=body, content_type="application/json")


def check_problem(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert (body["status"], body["peer"]) == (status, "data-service")
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert 1 <= int(answer.headers["Retry-After"]) <= SECONDS


def breaker_open(app: Flask) -> float | None:
    registry = app.extensions["telemetry"].metrics.registry
    value: float | None = registry.get_sample_value(
        "circuit_breaker_open", {"peer": "data-service"}
    )
    return value


def test_answer_is_passed_through(client: FlaskClient, peer: Peer) -> None:
    peer.answer = lambda: Answer(200, b'{"message": "Data processed"}\n')
    answer = ask(client, '{"a":  1}')
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.data == b'{"message": "Data processed"}\n'
    (arrival,) = peer.requests
    assert (arrival.method, arrival.path, arrival.body) == ("POST", "/process", b'{"a":  1}')
    assert arrival.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 413, 422, 429])
def test_client_error_is_passed_through(
    app: Flask, client: FlaskClient, peer: Peer, status: int
) -> None:
    peer.answer = lambda: Answer(status, b'{"field": "body[0].a"}', PROBLEM)
    for _ in range(FAILURES + 1):
        answer = ask(client)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert answer.get_json() == {"field": "body[0].a"}
    assert breaker_open(app) == 0  # what the caller did wrong is no failure of the peer
    assert len(peer.requests) == FAILURES + 1


@pytest.mark.parametrize(("theirs", "ours"), [(500, 502), (502, 502), (503, 503), (504, 504)])
def test_server_error_becomes_a_problem(
    client: FlaskClient, peer: Peer, theirs: int, ours: int
) -> None:
    peer.answer = lambda: Answer(theirs, b"Traceback (most recent call last)")
    answer = ask(client)
    check_problem(answer, ours)
    assert "Traceback" not in answer.text


def test_dropped_connection_is_503(client: FlaskClient, peer: Peer) -> None:
    peer.answer = lambda: Answer(0)
    check_problem(ask(client), 503)
    assert len(peer.requests) == 1


def test_unreachable_peer_is_503() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    check_problem(ask(web(f"http://127.0.0.1:{port}").test_client()), 503)


def test_slow_peer_is_504(client: FlaskClient, peer: Peer) -> None:
    release = threading.Event()
    peer.answer = lambda: Answer(200 if release.wait(30) else 500)
    begun = time.perf_counter()
    check_problem(ask(client), 504)
    assert time.perf_counter() - begun < 3  # ten times the limit, for a busy machine
    release.set()


def broken(peer: Peer, how: Callable[[], Answer]) -> None:
    peer.answer = how
    peer.requests.clear()


def test_breaker_opens_and_closes(
    app: Flask, client: FlaskClient, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("circuitbreaker.monotonic", lambda: now[0])
    broken(peer, lambda: Answer(500))
    assert [ask(client).status_code for _ in range(FAILURES)] == [502] * FAILURES
    assert breaker_open(app) == 1
    now[0] += 2.5
    answer = ask(client)
    check_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"  # 4.5 s, in whole ones
    assert len(peer.requests) == FAILURES
    broken(peer, Answer)
    now[0] += SECONDS
    assert ask(client).status_code == 200
    assert breaker_open(app) == 0


def test_open_breaker_is_fast(client: FlaskClient, peer: Peer) -> None:
    release = threading.Event()
    peer.answer = lambda: Answer(200 if release.wait(30) else 500)
    for _ in range(FAILURES):
        assert ask(client).status_code == 504
    begun = time.perf_counter()
    assert {ask(client).status_code for _ in range(20)} == {503}
    assert time.perf_counter() - begun < 2  # asking would take 6 s
    release.set()


@pytest.mark.parametrize("seconds", [0.1, 1.4])
def test_retry_after_is_never_too_early(peer: Peer, seconds: float) -> None:
    peer.answer = lambda: Answer(500)
    settings = WebSettings(peer.url, FAILURES, seconds)
    client = create_app(settings, TelemetrySettings("web", "web-1")).test_client()
    answer = ask(client)
    assert int(answer.headers["Retry-After"]) >= max(1, seconds)
    assert f"in {answer.headers['Retry-After']} s" in answer.get_json()["detail"]


def test_bad_requests_are_not_sent_on(client: FlaskClient, peer: Peer) -> None:
    assert client.post("/process", data="a=1").status_code == 415
    assert ask(client, "[" + " " * 1000 + "]").status_code == 413
    assert client.get("/process").status_code == 405
    assert client.post("/proces").status_code == 404
    assert peer.requests == []
