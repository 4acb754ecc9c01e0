from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from tests.unit.telemetry.instance import Instance

# As many as there are threads, and twice that.
SILENT = 24
# Without a thread to spare, it took 5 s.
TIMEOUT_S = 2.0
SHOP = "tests.unit.telemetry.shop:create_app()"


def dial(to: Instance) -> socket.socket:
    return socket.create_connection(("127.0.0.1", to.port))


def test_idle_connections_take_no_thread(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        silent = [open_ones.enter_context(dial(instance)) for _ in range(SILENT)]
        assert seconds_to_answer(instance) < TIMEOUT_S
        # A connection that sends later is served.
        silent[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        silent[0].settimeout(TIMEOUT_S)
        assert silent[0].recv(1024).startswith(b"HTTP/1.1 200")


# The ends of parts; a body of one byte follows the head.
POST = b"POST /healthz HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\na"
CHUNKED = (
    b"POST /healthz HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1;x=y\r\na\r\n0\r\nX: y\r\n\r\n"
)


@pytest.mark.parametrize(
    "sent",
    [b"P", POST[:-40], POST[:-2], POST[:-1], CHUNKED[:-12], CHUNKED[:-7], CHUNKED[:-1]],
    ids=["a byte", "head", "end", "body", "size of a chunk", "chunk", "trailer"],
)
def test_unfinished_requests_take_no_thread(tmp_path: Path, sent: bytes) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        slow = [open_ones.enter_context(dial(instance)) for _ in range(SILENT)]
        for client in slow:
            client.sendall(sent)
        assert seconds_to_answer(instance) < TIMEOUT_S
        # Each of them is served once it is complete.
        for client in slow:
            whole = CHUNKED if CHUNKED.startswith(sent) and len(sent) > 1 else POST
            client.sendall(whole.removeprefix(sent) + POST)
            client.settimeout(TIMEOUT_S)
            answers = b""
            while answers.count(b"HTTP/1.1 ") < 2:
                part = client.recv(65536)
                assert part
                answers += part


def test_each_request_of_a_connection_is_awaited_anew(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, requests.Session() as session:
        for body in (b"a" * 5000, b"", b"a"):
            assert session.post(f"{instance.url}/healthz", data=body, timeout=10).status_code == 405
            assert session.get(f"{instance.url}/healthz", timeout=10).status_code == 200


def test_body_that_is_expected_to_be_asked_for_is_asked_for(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, dial(instance) as client:
        client.settimeout(TIMEOUT_S)
        client.sendall(POST[:-1].replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert client.recv(1024).startswith(b"HTTP/1.1 ")


def test_request_in_pieces_is_served(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, dial(instance) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert requests.get(f"{instance.url}/healthz", timeout=10).status_code == 200
        slow.sendall(b"Host: here\r\n\r\n")
        slow.settimeout(TIMEOUT_S)
        assert slow.recv(1024).startswith(b"HTTP/1.1 200")


def test_long_unfinished_bodies_hold_no_thread(tmp_path: Path) -> None:
    # The application does not read them.
    head = POST[:-1].replace(b"Length: 1", b"Length: 20000")
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        for _ in range(SILENT):
            open_ones.enter_context(dial(instance)).sendall(head + b"a" * 19000)
        assert seconds_to_answer(instance) < TIMEOUT_S


def test_clients_that_do_not_read_hold_no_thread(tmp_path: Path) -> None:
    pipelined = b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n" * 400
    with Instance(1, tmp_path, SHOP, OPS_PORT="0") as instance, ExitStack() as open_ones:
        clients = [open_ones.enter_context(socket.socket()) for _ in range(SILENT)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect(("127.0.0.1", instance.port))
            client.setblocking(False)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for client in clients:
                with suppress(OSError):
                    client.send(pipelined)
            time.sleep(0.01)
        assert seconds_to_answer(instance) < TIMEOUT_S


def test_long_head_without_an_end_is_refused(tmp_path: Path) -> None:
    head = b"GET /healthz HTTP/1.1\r\n" + b"".join(
        b"X-%d: %s\r\n" % (n, b"a" * 500) for n in range(33)
    )
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        for _ in range(SILENT):
            client = open_ones.enter_context(dial(instance))
            client.sendall(head)
        assert seconds_to_answer(instance) < TIMEOUT_S
        client.settimeout(TIMEOUT_S)
        assert client.recv(65536).startswith(b"HTTP/1.1 431")


def test_unread_invalid_body_ends_the_connection(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, dial(instance) as client:
        client.sendall(CHUNKED.replace(b"1;x=y", b"?"))
        client.settimeout(TIMEOUT_S)
        answer = b"".join(iter(lambda: client.recv(65536), b""))  # until the server closes
        assert answer.startswith(b"HTTP/1.1 405")
        assert instance.lines("gunicorn.error")[-1]["level"] == "INFO"


def test_idle_connections_do_not_keep_others_out(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        for _ in range(1100):  # a worker takes 1,000
            open_ones.enter_context(dial(instance)).sendall(b"G")
        assert seconds_to_answer(instance) < 2 * TIMEOUT_S


def test_clients_that_do_not_close_block_nothing(tmp_path: Path) -> None:
    with Instance(1, tmp_path, OPS_PORT="0") as instance, ExitStack() as open_ones:
        for _ in range(SILENT):
            client = open_ones.enter_context(dial(instance))
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert seconds_to_answer(instance) < TIMEOUT_S
        # The server closes the connections by itself.
        client.settimeout(TIMEOUT_S)
        assert client.recv(65536).startswith(b"HTTP/1.0 200")
        assert client.recv(65536) == b""


def seconds_to_answer(instance: Instance) -> float:
    begun = time.monotonic()
    assert requests.get(f"{instance.url}/healthz", timeout=30).status_code == 200
    return time.monotonic() - begun
