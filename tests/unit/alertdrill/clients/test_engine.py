from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from alertdrill.clients.engine import (
    NS_PER_SECOND,
    Container,
    ContainerNotFoundError,
    EngineClient,
    EngineUnavailableError,
    ForbiddenError,
)
from alertdrill.errors import AlertdrillError

ERROR = json.dumps({"message": "no such container"}).encode()


class Proxy(HTTPServer):
    """Answers every request with the same response, and records the last request."""

    status, body, length = 200, b"", 0
    calls: tuple[str, str] = ("", "")


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.calls = (self.command, self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.length or len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture
def engine(proxy: Proxy) -> EngineClient:
    return EngineClient(f"tcp://127.0.0.1:{proxy.server_port}", "alertdrill")


def test_events_are_requested_to_the_nanosecond(proxy: Proxy, engine: EngineClient) -> None:
    proxy.body = b'{"Action":"die"}\n{"Action":"stop"}\n'
    events = engine.events(["die", "stop"], 5 * NS_PER_SECOND + 7, 7 * NS_PER_SECOND)
    query = parse_qs(urlsplit(proxy.calls[1]).query)
    assert [row["Action"] for row in events] == ["die", "stop"]
    assert (query["since"], query["until"]) == (["5.000000007"], ["7.000000000"])
    filters = json.loads(query["filters"][0])
    assert filters["label"][0] == "com.docker.compose.project=alertdrill"
    assert filters["event"] == ["die", "stop"]


def test_every_container_of_the_project_is_listed(proxy: Proxy, engine: EngineClient) -> None:
    proxy.body = b'[{"Id": "4f5e", "Names": ["/alertdrill-web-1"], "State": "exited"}]'
    assert engine.containers() == [Container("4f5e", "alertdrill-web-1", "exited")]
    query = parse_qs(urlsplit(proxy.calls[1]).query)
    assert query["all"] == ["1"]
    assert "com.docker.compose.project=alertdrill" in json.loads(query["filters"][0])["label"]


def test_container_is_started_by_name(proxy: Proxy, engine: EngineClient) -> None:
    proxy.status = 304
    engine.start("alertdrill-web-1")
    assert proxy.calls == ("POST", "/containers/alertdrill-web-1/start")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ContainerNotFoundError),
        (403, ForbiddenError),
        (500, EngineUnavailableError),
        (503, EngineUnavailableError),
    ],
)
def test_errors_have_the_engines_message(
    proxy: Proxy, engine: EngineClient, status: int, error: type[Exception]
) -> None:
    proxy.status, proxy.body = status, ERROR
    with pytest.raises(error, match=f"{status} no such container"):
        engine.inspect("alertdrill-web-1")


def test_truncated_response_is_unavailable(proxy: Proxy, engine: EngineClient) -> None:
    proxy.body, proxy.length = b'{"Action":"die"}\n', 1000
    with pytest.raises(EngineUnavailableError):
        engine.events([], 0, 1)


def test_invalid_json_is_unavailable(proxy: Proxy, engine: EngineClient) -> None:
    proxy.body = b"<html>"
    with pytest.raises(EngineUnavailableError, match="not valid JSON"):
        engine.events([], 0, 1)
    with pytest.raises(EngineUnavailableError, match="not valid JSON"):
        engine.inspect("alertdrill-web-1")


def test_refused_connection_is_unavailable() -> None:
    with pytest.raises(EngineUnavailableError, match="refused"):
        EngineClient("tcp://127.0.0.1:1", "alertdrill").start("alertdrill-web-1")


@pytest.mark.parametrize("host", ["unix:///var/run/docker.sock", "tcp://proxy", "proxy:2375", ""])
def test_invalid_address_names_its_variable(host: str) -> None:
    with pytest.raises(AlertdrillError, match="DOCKER_HOST"):
        EngineClient(host, "alertdrill")
