from __future__ import annotations

import io
import json
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.engine import (
    NS_PER_SECOND,
    SERVICE_LABEL,
    Container,
    ListedContainer,
    ProjectEngine,
)
from alertdrill.runtimes.errors import EngineError, EngineUnavailableError
from tests.unit.alertdrill.runtimes.fake_engine import FakeEngine


class Handler(BaseHTTPRequestHandler):
    """Answers every request with the same response, and records the last request."""

    status, body, length = 200, b"", 0
    calls: tuple[str, str] = ("", "")

    def do_GET(self) -> None:
        type(self).calls = (self.command, self.path)
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.length or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def proxy() -> type[Handler]:
    return type("FreshHandler", (Handler,), {})


@pytest.fixture(params=["tcp", "unix"])
def engine(
    request: pytest.FixtureRequest, proxy: type[Handler], tmp_path: Path
) -> Iterator[ProjectEngine]:
    """Return the client of a server on a port or on a socket."""
    server: Any
    if request.param == "tcp":
        server = HTTPServer(("127.0.0.1", 0), proxy)
        host = f"tcp://127.0.0.1:{server.server_port}"
    else:
        server = UnixStreamServer(str(tmp_path / "engine.sock"), proxy)
        host = f"unix://{tmp_path}/engine.sock"
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield ProjectEngine(host, "alertdrill")
        server.shutdown()
        thread.join()


def query(proxy: type[Handler]) -> dict[str, list[str]]:
    return parse_qs(urlsplit(proxy.calls[1]).query)


def test_events_are_requested_to_the_nanosecond(
    proxy: type[Handler], engine: ProjectEngine
) -> None:
    proxy.body = b'{"Action":"die"}\n{"Action":"stop"}\n'
    events = engine.events(["die", "stop"], 5 * NS_PER_SECOND + 7, 7 * NS_PER_SECOND)
    assert [row["Action"] for row in events] == ["die", "stop"]
    parameters = query(proxy)
    assert (parameters["since"], parameters["until"]) == (["5.000000007"], ["7.000000000"])
    filters = json.loads(parameters["filters"][0])
    # The proxy demands the project first.
    assert filters["label"][0] == "com.docker.compose.project=alertdrill"
    assert filters["event"] == ["die", "stop"]


def test_every_container_of_the_project_is_listed(
    proxy: type[Handler], engine: ProjectEngine
) -> None:
    row = {"Id": "4f5e", "Names": ["/alertdrill-web-1"], "State": "exited"}
    proxy.body = json.dumps([row | {"Labels": {SERVICE_LABEL: "web"}}]).encode()
    assert engine.listed() == [ListedContainer("4f5e", "alertdrill-web-1", "web", "exited")]
    assert query(proxy)["all"] == ["1"]
    labels = json.loads(query(proxy)["filters"][0])["label"]
    assert labels == ["com.docker.compose.project=alertdrill", "com.docker.compose.oneoff=False"]


def test_container_that_runs_already_is_started(
    proxy: type[Handler], engine: ProjectEngine
) -> None:
    proxy.status = 304
    engine.start("alertdrill-web-1")
    assert proxy.calls == ("POST", "/containers/alertdrill-web-1/start")


def test_replica_that_does_not_answer_is_asked_last(
    proxy: type[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.body = b"[]"
    with HTTPServer(("127.0.0.2", 0), proxy) as server, socket.socket() as frozen:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        port = server.server_port
        frozen.bind(("127.0.0.1", port))
        frozen.listen()  # it accepts, and never answers
        lookup = socket.getaddrinfo

        def both(host: str, *arguments: Any, **options: Any) -> list[Any]:
            names = ["127.0.0.1", "127.0.0.2"] if host == "proxy" else [host]
            return [info for name in names for info in lookup(name, *arguments, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        engine = ProjectEngine(f"tcp://proxy:{port}", "alertdrill", timeout=0.5)
        answers = []
        for _ in range(6):
            with suppress(EngineUnavailableError):
                answers.append(engine.get("/"))
        server.shutdown()
    assert len(answers) >= 5


@pytest.mark.parametrize(
    ("grace", "action", "target"),
    [
        (None, "stop", "stop"),
        (0, "stop", "stop?t=0"),
        (0.9, "restart", "restart?t=0"),
        (7.5, "restart", "restart?t=7"),
    ],
)
def test_grace_is_rounded_to_seconds(
    proxy: type[Handler], engine: ProjectEngine, grace: float | None, action: str, target: str
) -> None:
    engine.stop("alertdrill-web-1", grace, action)
    assert proxy.calls == ("POST", f"/containers/alertdrill-web-1/{target}")


@pytest.mark.parametrize("status", [403, 404, 409, 500, 503])
def test_errors_have_the_engines_message(
    proxy: type[Handler], engine: ProjectEngine, status: int
) -> None:
    proxy.status, proxy.body = status, b'{"message": "no such container."}'
    with pytest.raises(EngineError, match=r": no such container\.$") as error:
        engine.inspect("alertdrill-web-1")
    assert error.value.status == status
    assert isinstance(error.value, EngineUnavailableError) == (status == 503)


def test_truncated_response_is_unavailable(proxy: type[Handler], engine: ProjectEngine) -> None:
    proxy.body, proxy.length = b'{"Action":"die"}\n', 1000
    with pytest.raises(EngineUnavailableError):
        ProjectEngine(engine._host, "alertdrill", 0.5).events([], 0, 1)


def test_invalid_json_is_unavailable(proxy: type[Handler], engine: ProjectEngine) -> None:
    proxy.body = b"<html>"
    with pytest.raises(EngineUnavailableError, match="not valid JSON"):
        engine.events([], 0, 1)
    with pytest.raises(EngineUnavailableError, match="not valid JSON"):
        engine.inspect("alertdrill-web-1")


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:1", "unix:///nowhere/engine.sock"])
def test_silent_engine_is_unavailable(host: str) -> None:
    with pytest.raises(EngineUnavailableError, match=rf"{host} does not answer.*RUNTIME=native"):
        ProjectEngine(host, "alertdrill").start("alertdrill-web-1")


@pytest.mark.parametrize("host", ["tcp://proxy", "tcp://proxy:x", "proxy:2375", "ssh://host", ""])
def test_invalid_address_names_its_variable(host: str) -> None:
    with pytest.raises(AlertdrillError, match="DOCKER_HOST"):
        ProjectEngine(host, "alertdrill")


def test_file_is_read_from_a_container(proxy: type[Handler], engine: ProjectEngine) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("scale.json")
        member.size = 10
        archive.addfile(member, io.BytesIO(b'{"web": 3}'))
    proxy.body = packed.getvalue()
    assert engine.read("alertdrill-prometheus-1", "/etc/scale.json") == '{"web": 3}'
    assert proxy.calls == (
        "GET",
        "/containers/alertdrill-prometheus-1/archive?path=%2Fetc%2Fscale.json",
    )
    proxy.status = 404
    assert engine.read("alertdrill-prometheus-1", "/etc/scale.json") is None
    proxy.status = 500
    with pytest.raises(EngineError, match="refused"):
        engine.read("alertdrill-prometheus-1", "/etc/scale.json")


def test_containers_are_parsed_and_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine("web-10", "web-2 created none", "data-service-1 running starting")
    engine.labels["web-10"] = {"alertdrill.heal": "1"}
    data, created, web = engine.containers()
    assert (data.name, data.service, data.number) == (
        *("alertdrill-data-service-1", "data-service", 1),
    )
    assert (data.instance, data.state, data.health, data.pid, data.heal) == (
        *("data-service-1", "running", "starting", 7, ""),
    )
    assert round(data.started.timestamp(), 3) == 1795514400.123
    assert (created.state, created.health, created.pid) == ("created", "none", 0)
    assert (web.number, web.heal) == (10, "1")


def test_container_that_never_ran_is_parsed() -> None:
    details = FakeEngine("web-1 created")._details("web-1")
    details["State"]["StartedAt"] = "0001-01-01T00:00:00Z"
    assert Container.model_validate(details).pid == 0


def test_container_that_is_removed_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine("web-1", "web-2")
    listed = engine.listed()
    del engine.states["web-2"]
    monkeypatch.setattr(engine, "listed", lambda: listed)
    assert engine.alive() == ["web-1"]
