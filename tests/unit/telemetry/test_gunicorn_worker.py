from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import requests

from tests.unit.telemetry.instance import Instance

# As many as there are threads, and twice that.
SILENT = 24
# Without a thread to spare, it took 5 s.
TIMEOUT_S = 2.0


def dial(to: Instance) -> socket.socket:
    return socket.create_connection(("127.0.0.1", to.port))


def test_idle_connections_take_no_thread(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        silent = [open_ones.enter_context(dial(instance)) for _ in range(SILENT)]
        begun = time.monotonic()
        assert requests.get(f"{instance.url}/healthz", timeout=10).status_code == 200
        assert time.monotonic() - begun < TIMEOUT_S
        # A connection that sends later is served.
        silent[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        silent[0].settimeout(TIMEOUT_S)
        assert silent[0].recv(1024).startswith(b"HTTP/1.1 200")


def test_request_in_pieces_is_served(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, dial(instance) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert requests.get(f"{instance.url}/healthz", timeout=10).status_code == 200
        slow.sendall(b"Host: here\r\n\r\n")
        slow.settimeout(TIMEOUT_S)
        assert slow.recv(1024).startswith(b"HTTP/1.1 200")
