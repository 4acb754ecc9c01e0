"""What a service may change of the load balancer's limits, with a real one."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from alertdrill.config.services import SERVICES

from .load_balancer import TIMEOUT_S, Backend, Response, Site

LIMITS = SERVICES["web"].limits
# Longer than `response` of the services below.
SILENCE_S = 2.0
ROUTES = {
    "short": {"public": ["/short"], "limits": LIMITS.model_copy(update={"headers": 2048})},
    "small": {"public": ["/small"], "limits": LIMITS.model_copy(update={"body": 4096})},
    "medium": {"public": ["/medium"], "limits": LIMITS.model_copy(update={"body": 20_000})},
    "sticky": {"public": ["/sticky"], "sticky": True},
    "live": {
        "public": ["/live"],
        "limits": LIMITS.model_copy(update={"response": 1.0, "tunnel_timeout": 10.0}),
    },
    "strict": {"public": ["/strict"], "limits": LIMITS.model_copy(update={"response": 1.0})},
}


class SilentStream(StreamRequestHandler):
    """Answers checks; else begins a WebSocket or a stream, and ends it after a silence."""

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline()
        if b"/readyz" in head:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return
        if b"\r\nupgrade:" in head.lower():
            self.wfile.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
        else:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            )
        time.sleep(SILENCE_S)
        with suppress(ConnectionError):  # the load balancer has ended it
            self.wfile.write(b"data: late")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        ThreadingTCPServer(("127.0.0.1", 0), SilentStream) as server,
        closing(Backend()) as second,
    ):
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        silent = f"127.0.0.1:{server.server_address[1]}"
        with closing(Backend()) as first:
            addresses = {
                "live": {"live-1": silent},
                "strict": {"strict-1": silent},
                "sticky": {"sticky-1": first.address, "sticky-2": second.address},
            }
            folder = tmp_path_factory.mktemp("site")
            with closing(Site(folder, ROUTES, addresses)) as running:
                yield running
        server.shutdown()


def problem(response: Response) -> tuple[int, str]:
    """Return the status and the detail of a problem document, which has the request's id."""
    document = json.loads(response.body)
    assert document["status"] == response.status
    assert document["request_id"] == response.headers["X-Request-ID"]
    return response.status, document["detail"]


@pytest.mark.parametrize("path", ["/short", "/small"])
def test_header_of_a_service_is_limited(site: Site, path: str) -> None:
    response = site.lb.request("GET", path, headers={"X-Long": "a" * 3000})
    if path == "/small":
        assert response.status == 200
        return
    assert problem(response) == (431, "The header has more than 2048 bytes.")
    assert site.lb.access_line(request_id=response.headers["X-Request-ID"])["status"] == 431


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/small", 4096, 200),
        ("/small", 4097, 413),
        ("/small", 9000, 413),
        ("/medium", 20_000, 200),
        ("/medium", 20_001, 413),
        ("/short", 100_000, 200),
    ],
)
def test_body_of_a_service_is_limited(site: Site, path: str, size: int, status: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
    response = site.lb.exchange(head + "a" * size)
    assert response.status == status
    if status == 413:
        limit = 4096 if path == "/small" else 20_000
        assert problem(response)[1] == f"The body has more than {limit} bytes."
        assert site.lb.access_line(request_id=response.headers["X-Request-ID"])["status"] == 413


def test_limited_service_takes_no_long_body_without_a_length(site: Site) -> None:
    chunk = "2710\r\n" + "a" * 10_000 + "\r\n0\r\n\r\n"
    head = "POST /medium HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert site.lb.exchange(head + chunk).status == 411


def test_client_stays_with_its_instance(site: Site) -> None:
    response = site.lb.request("GET", "/sticky")
    cookie = response.headers["Set-Cookie"]
    name, _, instance = cookie.partition(";")[0].partition("=")
    assert name == "ALERTDRILL_STICKY"
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    for path in ["/sticky"] * 5:
        response = site.lb.request("GET", path, headers={"Cookie": f"{name}={instance}; mine=1"})
        line = site.lb.access_line(request_id=response.headers["X-Request-ID"])
        assert (line["server"], response.headers["Set-Cookie"]) == (instance, None)


def test_clients_without_a_cookie_are_spread(site: Site) -> None:
    responses = [site.lb.request("GET", "/sticky") for _ in range(2)]
    assert len({response.headers["Set-Cookie"] for response in responses}) == 2


@pytest.mark.parametrize(("path", "end"), [("/live", b"data: late"), ("/strict", b"")])
@pytest.mark.parametrize("header", ["Accept: text/event-stream", "Upgrade: websocket"])
def test_open_connection_may_be_silent_for_the_tunnel_timeout(
    site: Site, path: str, end: bytes, header: str
) -> None:
    upgrade = ""
    if header.startswith("Upgrade"):  # RFC 6455, section 1.3
        upgrade = "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with socket.create_connection(("127.0.0.1", site.lb.ports["public"]), TIMEOUT_S) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n{upgrade}{header}\r\n\r\n".encode())
        received = b""
        while part := client.recv(4096):
            received += part
    assert received.startswith(b"HTTP/1.1 101" if upgrade else b"HTTP/1.1 200")
    assert received.partition(b"\r\n\r\n")[2] == end
