import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from alertdrill.audit.compare import CountSource
from alertdrill.audit.lines import Route
from alertdrill.audit.report import CompletedStep, Report

ROUTE = Route("/process", [{"mass": 1}], ("web", "data-service"))

# Takes the method, the path and the body; returns a status and a body. None closes the connection.
Answer = Callable[[str, str, Any], tuple[int, str] | None]


@dataclass
class Peer:
    """A server that answers as a test defines, and records each request."""

    url: str = ""
    answer: Answer = lambda *_: (200, "{}")
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def peer() -> Iterator[Peer]:
    fake_peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake_peer.requests.append((self.command, self.path, dict(self.headers)))
            response = fake_peer.answer(self.command, self.path, body)
            if response is None:
                return
            self.send_response(response[0])
            text = response[1].encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        fake_peer.url = f"http://127.0.0.1:{server.server_port}"
        yield fake_peer
        server.shutdown()
        thread.join()


def access(service: str, id_: str, **more: Any) -> dict[str, Any]:
    """Return the fields of an access line."""
    return {
        "logger": "access",
        "service": service,
        "request_id": id_,
        "path": "/process",
        **more,
    }


def as_text(fields: dict[str, Any]) -> str:
    return json.dumps(fields)


def a_report(*sources: CountSource, **changed: Any) -> Report:
    values = {
        "began": 1_700_000_000.0,
        "ended": 1_700_000_090.0,
        "runtime": "native",
        "stack": "an ephemeral stack",
        "store": "Loki",
        "requests": 3,
        "rate": 100.0,
        "rounds": 1,
        "steps": [CompletedStep("restart web", 1, 2.5), CompletedStep("scale web=3", 2, 1.5)],
        "failures": [],
        "retries": {"web": 0, "data-service": 1},
        "sources": [CountSource("client: answered", 3, 3), *sources],
    }
    return Report(**{**values, **changed})
