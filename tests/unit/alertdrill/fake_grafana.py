"""A fake of Grafana's HTTP API for tokens and annotations, as its documentation defines it.

Service accounts and their tokens take the admin's password; annotations take a token whose account
is at least an Editor.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
NOT_FOUND = (404, {"message": "Not found"})
REFUSED = (401, {"message": "Invalid username or password"})


class FakeGrafana:
    """A server with `accounts` by id and `tokens` by id with their account and key."""

    def __init__(self, password: str = "secret", port: int = 0) -> None:
        self.password = password
        self.accounts: dict[int, dict[str, Any]] = {}
        self.tokens: dict[int, tuple[int, str]] = {}
        self.annotations: list[dict[str, Any]] = []
        self.healthy = True
        self._ids = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Delete all accounts and tokens, as a new volume does."""
        self.accounts, self.tokens = {}, {}

    def answer(self, method: str, path: str, authorization: str, body: Any) -> Answer:
        if not self.healthy:
            return 503, {"message": "starting"}
        parts = urlsplit(path)
        if parts.path == "/api/annotations":
            return self._annotations(method, authorization, body)
        credentials = base64.b64encode(f"admin:{self.password}".encode()).decode()
        if authorization != f"Basic {credentials}":
            return REFUSED
        return self._accounts(method, parts.path, parse_qs(parts.query), body)

    def _annotations(self, method: str, authorization: str, body: Any) -> Answer:
        keys = {key: account for account, key in self.tokens.values()}
        token = authorization.removeprefix("Bearer ")
        if not authorization.startswith("Bearer ") or token not in keys:
            return 401, {"message": "Invalid API key"}
        if method == "GET":
            return 200, self.annotations
        if self.accounts[keys[token]]["role"] not in ("Editor", "Admin"):
            return 403, {"message": "You'll need additional permissions: annotations:create"}
        self.annotations.append(body)
        return 200, {"message": "Annotation added", "id": len(self.annotations)}

    def _accounts(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if path == "/api/serviceaccounts/search":
            text = query["query"][0]
            matches = [account for account in self.accounts.values() if text in account["name"]]
            return 200, {"totalCount": len(matches), "serviceAccounts": matches}
        if (method, path) == ("POST", "/api/serviceaccounts"):
            if any(account["name"] == body["name"] for account in self.accounts.values()):
                return 400, {"message": "service account already exists"}
            number = self._next()
            self.accounts[number] = {"id": number, "isDisabled": False, **body}
            return 201, self.accounts[number]
        words = path.removeprefix("/api/serviceaccounts/").split("/")
        if len(words) < 2 or words[1] != "tokens" or int(words[0]) not in self.accounts:
            return NOT_FOUND
        return self._tokens(method, int(words[0]), words[2:], body)

    def _tokens(self, method: str, account: int, rest: list[str], body: Any) -> Answer:
        if method == "DELETE":
            matches = self.tokens.pop(int(rest[0]), None)
            return (200, {"message": "Service account token deleted"}) if matches else NOT_FOUND
        if method == "GET":
            account_tokens = [
                number for number, (owner, _) in self.tokens.items() if owner == account
            ]
            return 200, [{"id": number, "name": "a token"} for number in account_tokens]
        number = self._next()
        self.tokens[number] = (account, f"glsa_{number}")
        return 200, {"id": number, "name": body["name"], "key": f"glsa_{number}"}

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        grafana = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                authorization = self.headers.get("Authorization", "")
                body = json.loads(sent) if sent else None
                status, reply = grafana.answer(self.command, self.path, authorization, body)
                text = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET  # noqa: N815 - http.server's names
            do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler
