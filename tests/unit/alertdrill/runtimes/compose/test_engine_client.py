from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose.engine_client import (
    ContainerNotFoundError,
    EngineClient,
    ForbiddenError,
    UnavailableError,
)
from alertdrill.runtimes.compose.exit_events import NANOSECONDS

ERROR = json.dumps({"message": "no such container"}).encode()


class Proxy(HTTPServer):
    """Answers every request alike, and remembers the last."""

    status, body, length = 200, b"", 0
    asked: tuple[str, str] = ("", "")


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.asked = (self.command, self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.length or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815 - the server's name for it

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def questions(proxy: Proxy) -> EngineClient:
    return EngineClient(f"tcp://127.0.0.1:{proxy.server_port}", "alertdrill")


def test_events_are_asked_to_the_nanosecond(proxy: Proxy, questions: EngineClient) -> None:
    proxy.body = b'{"Action":"die"}\n{"Action":"stop"}\n'
    found = questions.events(5 * NANOSECONDS + 7, 7 * NANOSECONDS)
    query = parse_qs(urlsplit(proxy.asked[1]).query)
    assert [row["Action"] for row in found] == ["die", "stop"]
    assert (query["since"], query["until"]) == (["5.000000007"], ["7.000000000"])
    assert json.loads(query["filters"][0])["label"][0] == "com.docker.compose.project=alertdrill"


def test_container_is_started_by_name(proxy: Proxy, questions: EngineClient) -> None:
    proxy.status = 304
    questions.start("alertdrill-web-1")
    assert proxy.asked == ("POST", "/containers/alertdrill-web-1/start")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ContainerNotFoundError),
        (403, ForbiddenError),
        (500, UnavailableError),
        (503, UnavailableError),
    ],
)
def test_errors_say_what_engine_says(
    proxy: Proxy, questions: EngineClient, status: int, error: type[Exception]
) -> None:
    proxy.status, proxy.body = status, ERROR
    with pytest.raises(error, match=f"{status} no such container"):
        questions.inspect("alertdrill-web-1")


def test_cut_answer_is_no_answer(proxy: Proxy, questions: EngineClient) -> None:
    proxy.body, proxy.length = b'{"Action":"die"}\n', 1000
    with pytest.raises(UnavailableError):
        questions.events(0, 1)


def test_foreign_answer_is_no_answer(proxy: Proxy, questions: EngineClient) -> None:
    proxy.body = b"<html>"
    with pytest.raises(UnavailableError, match="not valid JSON"):
        questions.events(0, 1)
    with pytest.raises(UnavailableError, match="not valid JSON"):
        questions.inspect("alertdrill-web-1")


def test_nobody_there_is_away() -> None:
    with pytest.raises(UnavailableError, match="refused"):
        EngineClient("tcp://127.0.0.1:1", "alertdrill").start("alertdrill-web-1")


@pytest.mark.parametrize("host", ["unix:///var/run/docker.sock", "tcp://proxy", "proxy:2375", ""])
def test_wrong_address_names_its_variable(host: str) -> None:
    with pytest.raises(AlertdrillError, match="DOCKER_HOST"):
        EngineClient(host, "alertdrill")
