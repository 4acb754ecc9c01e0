"""A real load balancer with `lb/haproxy.cfg`, in front of instances that fail on request."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from alertdrill.config import ROOT
from alertdrill.config.service import Service
from alertdrill.config.services import SERVICES
from alertdrill.runtimes import config_files
from alertdrill.runtimes.config_files import BACKENDS_FILE, lb_files
from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS
from tests.http_server import Answer, HttpServer, Request
from tests.unit.telemetry.instance import free_port, poll_until

# Longer than any of the load balancer's own timeouts.
TIMEOUT_S = 20.0
SAMPLE = re.compile(
    r'^haproxy_(\w+)\{proxy="([^"]+)"(?:,code="(\w+)")?\} ([\d.e+]+)$', re.MULTILINE
)


class Instance(HttpServer):
    """An instance that ends the connection, breaks off or fails if a request asks for it."""

    answers: Mapping[str, Answer] = {
        "/die": Answer(0),
        "/break": Answer(body=b"half", announced=8),
        "/fail": Answer(500),
        "/lost": Answer(404),
        "/long": Answer(body=b"a" * 50_000),
    }

    def answer_to(self, request: Request) -> Answer:
        return self.answers.get(request.path, Answer())

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)


@dataclass
class Response:
    """A response; without one the status is 0, and without its end it is not complete."""

    status: int
    headers: Message
    body: bytes
    complete: bool = True


class LoadBalancer:
    """A running HAProxy; `addresses` is {service: {instance: host:port}}.

    `settings` are texts of the generated files, and what replaces each.
    """

    def __init__(
        self,
        folder: Path,
        addresses: Mapping[str, Mapping[str, str]],
        settings: Mapping[str, str] = {},
    ) -> None:
        specs = [program for program in PROGRAMS if program.name == "haproxy"]
        program = resolve_programs(specs, default_cache(), print).programs["haproxy"]
        self.ports = {"public": free_port(), "internal": free_port(), "stats": free_port()}
        for name, text in lb_files(addresses).items():
            # These instances have one port, which also answers the checks.
            text = re.sub(r" check port \d+", " check", text)  # noqa: PLW2901
            for old, new in settings.items():
                text = text.replace(old, new)  # noqa: PLW2901
            (folder / name).write_text(text)
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [program.path, "-W", "-db", "-f", ROOT / "lb/haproxy.cfg", "-f", BACKENDS_FILE],
                cwd=folder,
                env={**os.environ, **program.environment, **self._environment(folder)},
                stdout=log,
                stderr=log,
            )
        poll_until(self._is_ready, "the load balancer")

    def _environment(self, folder: Path) -> Mapping[str, str]:
        address = "127.0.0.1"
        return {
            "RUNTIME": "native",
            "INSTANCE": "lb-1",
            "LB_VERSION": "1.2.3",
            "LB_SOCKET": str(folder / "socket"),
            "LB_STATE": str(folder / "state"),
            "LB_ADDRESS": address,
            "LB_PORT": str(self.ports["public"]),
            "LB_INTERNAL_ADDRESS": address,
            "LB_INTERNAL_PORT": str(self.ports["internal"]),
            "LB_STATS_ADDRESS": address,
            "LB_STATS_PORT": str(self.ports["stats"]),
        }

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.request("GET", "/metrics", frontend="stats").status == 200
        except OSError:
            return False

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def connect(self, frontend: str = "public") -> http.client.HTTPConnection:
        """Return a connection, which `send` opens."""
        return http.client.HTTPConnection("127.0.0.1", self.ports[frontend], timeout=TIMEOUT_S)

    def request(
        self, method: str, path: str, *, frontend: str = "public", headers: Mapping[str, str] = {}
    ) -> Response:
        """Send a request on a connection of its own."""
        with closing(self.connect(frontend)) as connection:
            return send(connection, method, path, headers)

    def exchange(self, text: str) -> Response:
        """Send a request as it is written; return its response."""
        with closing(self.connect()) as connection:
            connection.connect()
            connection.sock.sendall(text.encode("latin-1"))
            answer = http.client.HTTPResponse(connection.sock)
            answer.begin()
            return Response(answer.status, answer.headers, answer.read())

    def access_line(self, **fields: object) -> dict[str, Any]:
        """Return the first access line with these fields, once it is written."""

        def find() -> dict[str, Any] | None:
            lines = self._log.read_text().splitlines(keepends=True)
            # The last one may be incomplete; HAProxy's lines about servers are no JSON.
            written = (json.loads(line) for line in lines if line[:1] == "{" and line[-1:] == "\n")
            return next((line for line in written if fields.items() <= line.items()), None)

        return poll_until(find, f"the access line with {fields}") or {}

    def counters(self) -> Counter[str]:
        """Return the counters of frontends and backends by name, proxy and perhaps code."""
        text = self.request("GET", "/metrics", frontend="stats").body.decode()
        return Counter(
            {
                " ".join(filter(None, (name, proxy, code))): int(float(value))
                for name, proxy, code, value in SAMPLE.findall(text)
            }
        )

    def idle_counters(self) -> Counter[str]:
        """Return the counters once no request is in flight."""

        def read() -> Counter[str] | None:
            counters = self.counters()
            sessions = [name for name in counters if name.startswith("backend_current_sessions")]
            return None if any(counters[name] for name in sessions) else counters

        return poll_until(read, "the end of the requests in flight") or Counter()


class Backend(Instance):
    """An instance that answers `/hold` when it is released."""

    def __init__(self) -> None:
        self.released = Event()
        super().__init__()

    def answer_to(self, request: Request) -> Answer:
        if request.path.endswith("/hold"):
            self.released.wait(TIMEOUT_S)
        return super().answer_to(request)


class Site:
    """A load balancer with an instance of each service, whose keys are in `routes`.

    `addresses` has other instances than these, as in `LoadBalancer`.
    """

    def __init__(
        self,
        folder: Path,
        routes: Mapping[str, Mapping[str, Any]],
        addresses: Mapping[str, Mapping[str, str]] = {},
    ) -> None:
        services: dict[str, Service] = {
            name: SERVICES["web"].model_copy(update={"internal": [], **keys, "name": name})
            for name, keys in routes.items()
        }
        with ExitStack() as stack:
            self.backends = {name: stack.enter_context(closing(Backend())) for name in routes}
            own = {name: {f"{name}-1": self.backends[name].address} for name in routes}
            monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
            monkeypatch.setattr(config_files, "SERVICES", services)
            self.lb = stack.enter_context(closing(LoadBalancer(folder, {**own, **addresses})))
            self.close = stack.pop_all().close

    def arrived(self, response: Response) -> tuple[str, Request]:
        """Return the service that got a request, and the request that it got."""
        [arrival] = [
            (name, request)
            for name, backend in self.backends.items()
            for request in backend.requests
            if request.headers["X-Request-ID"] == response.headers["X-Request-ID"]
        ]
        return arrival


def send(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str] = {}
) -> Response:
    """Send a request; return its response, or what arrived of it."""
    connection.request(method, path, headers=dict(headers))
    try:
        answer = connection.getresponse()
    except ConnectionError:
        return Response(0, Message(), b"", complete=False)
    try:
        body, complete = answer.read(), True
    except http.client.IncompleteRead as error:
        body, complete = error.partial, False
    return Response(answer.status, answer.headers, body, complete)
