import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from alertdrill.runtimes.base import wait_until
from alertdrill.runtimes.errors import NotReadyError
from alertdrill.runtimes.native import readiness
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.processes import Process
from alertdrill.runtimes.native.readiness import (
    is_ready,
    wait_until_ready,
)


class Probe(BaseHTTPRequestHandler):
    """Answers with the status in the request's path."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def probe() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Probe) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_only_200_is_ready(web: Process, probe: str) -> None:
    assert is_ready(replace(web, ready=f"{probe}/200"))
    for status in (204, 404, 503):
        assert not is_ready(replace(web, ready=f"{probe}/{status}"))


def test_host_proxy_is_not_used(web: Process, probe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert is_ready(replace(web, ready=f"{probe}/200"))


def test_silent_process_is_not_ready(web: Process) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        refused = replace(web, ready=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert not is_ready(refused)
        silent.listen()
        assert not is_ready(refused, timeout=0.05)


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names of the ready processes, which a test can extend."""
    names: set[str] = set()
    monkeypatch.setattr(readiness, "is_ready", lambda process: process.name in names)
    monkeypatch.setattr(readiness, "POLL_INTERVAL_S", 0)
    return names


def test_each_ready_process_is_reported(web: Process, layout: Layout, ready: set[str]) -> None:
    messages: list[str] = []
    slow = replace(web, name="web-2")
    ready.add("web-1")

    def state(name: str) -> str:
        ready.add(name)  # the next time round
        return "STARTING"

    wait_until_ready([slow, web], state, layout, lambda process: messages.append(process.name))
    assert messages == ["web-1", "web-2"]


def test_fatal_process_has_its_last_line(web: Process, layout: Layout, ready: set[str]) -> None:
    (layout.logs / "web-1.jsonl").write_text("first\nlast words\n\n")
    with pytest.raises(NotReadyError) as error:
        wait_until_ready([web], lambda _: "FATAL", layout)
    assert str(error.value) == (
        "web-1 is not ready (see `make logs S=web-1`). Its last log line: last words"
    )


def test_stderr_precedes_stdout(web: Process, layout: Layout, ready: set[str]) -> None:
    (layout.logs / "web-1.jsonl").write_text("{}\n")
    (layout.logs / "web-1.stderr.log").write_bytes(b"[ALERT] bad \xff port\n" + b"x" * 1000 + b"\n")
    with pytest.raises(NotReadyError, match=r"Its last log line: x{400}$"):
        wait_until_ready([web], lambda _: "FATAL", layout)


def test_process_without_output_is_named(
    web: Process, layout: Layout, ready: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "TIMEOUT_S", -1)
    with pytest.raises(NotReadyError, match=r"^web-1 is not ready \(see `make logs S=web-1`\)\.$"):
        wait_until_ready([web], lambda _: "STARTING", layout)


def test_timeout_names_the_condition(ready: set[str]) -> None:
    answers = iter([False, True])
    wait_until(lambda: next(answers), "it")
    with pytest.raises(NotReadyError, match=r"^Timed out after 0 s waiting for rain\.$"):
        wait_until(lambda: False, "rain", timeout=0)
