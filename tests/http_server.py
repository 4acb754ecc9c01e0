"""An HTTP server on a free port: a fake of a component of the stack."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A request that the server received."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    token: str


class FakeServer:
    """`answers` has the JSON of each path; an integer is a status, bytes are another body."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # The poll interval is the longest time that close() takes.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                query = dict(parse_qsl(parts.query))
                server.requests.append(Request(self.command, parts.path, query, body, token))
                answer = server.answers.get(parts.path, 404)
                status = answer if isinstance(answer, int) else 200
                if isinstance(answer, bytes):
                    text = answer
                else:
                    text = b"refused" if isinstance(answer, int) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_GET  # noqa: N815 - http.server's names
            do_POST = do_GET  # noqa: N815
            do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler
