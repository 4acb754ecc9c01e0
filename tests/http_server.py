"""HTTP servers on a free port of the loopback: fakes of what our programs talk to."""

from __future__ import annotations

import contextlib
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A received request, with the client's port, which identifies the connection.

    `target` is the path with its query as they arrived.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes
    port: int
    target: str

    @property
    def token(self) -> str:
        return str(self.headers.get("Authorization", "")).removeprefix("Bearer ")


@dataclass
class Answer:
    """A response; with status 0 the connection is closed instead.

    It breaks off if the `announced` length is more than that of the body.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    announced: int = 0


class HttpServer(ABC):
    """A server that keeps its requests. `answer_to` is called in a thread of each connection."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        # The poll interval is the longest time that close() takes.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @abstractmethod
    def answer_to(self, request: Request) -> Answer:
        """Return the response to a request."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query, port = dict(parse_qsl(parts.query)), self.client_address[1]
            target = self.requestline.split()[1]  # http.server changes `//x` to `/x`
            request = Request(self.command, parts.path, query, self.headers, body, port, target)
            server.requests.append(request)
            answer = server.answer_to(request)
            if not answer.status:
                self.close_connection = True
                return
            with contextlib.suppress(ConnectionError):  # the client may have disconnected
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = max(answer.announced, len(answer.body))
                self.close_connection = length > len(answer.body)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(answer.body)

        do_PUT = do_GET  # noqa: N815 - http.server's names
        do_POST = do_GET  # noqa: N815
        do_DELETE = do_GET  # noqa: N815
        do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class FakeServer(HttpServer):
    """`answers` has the JSON of each path; an integer is a status, bytes are another body."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        super().__init__()

    def answer_to(self, request: Request) -> Answer:
        answer = self.answers.get(request.path, 404)
        if isinstance(answer, int):
            return Answer(answer, b"refused")
        return Answer(body=answer if isinstance(answer, bytes) else json.dumps(answer).encode())


class Peer(HttpServer):
    """A service whose `answer` may be changed at any time."""

    def __init__(self, port: int = 0) -> None:
        self.answer: Callable[[], Answer] = Answer
        super().__init__(port)

    def answer_to(self, request: Request) -> Answer:
        del request
        return self.answer()
