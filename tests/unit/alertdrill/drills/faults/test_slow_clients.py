"""The clients run as a process of their own, against a server that reads what they send."""

from __future__ import annotations

import asyncio
import errno
import selectors
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from alertdrill.config import ROOT
from alertdrill.drills.faults import Fault, slow_clients
from tests.unit.alertdrill.drills.fakes import of_run, poll_until

Make = Callable[..., Fault]
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"a" * 100_000


class Server:
    """A server that keeps what each connection has sent; a complete request gets a response."""

    def __init__(self) -> None:
        self.received: dict[socket.socket, bytes] = {}
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/path"
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(0.02):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self.received[connection] = b""
        self.accepted += 1
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.close(connection)
            return
        self.received[connection] += data
        if self.received[connection].endswith(b"}"):  # only a whole body of JSON does
            connection.setblocking(False)
            connection.send(RESPONSE)

    def texts(self) -> list[bytes]:
        """Return what the open connections have sent."""
        return list(self.received.values())

    def shut_down(self) -> None:
        """End the connections that have sent something."""
        for connection in [key for key, text in self.received.items() if text]:
            with suppress(OSError):  # it may have ended
                connection.shutdown(socket.SHUT_WR)

    def close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        self.received.pop(connection)
        connection.close()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        for connection in [*self.received]:
            self.close(connection)
        self._selector.close()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def start(server: Server) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts the clients for some seconds."""
    processes: list[subprocess.Popen[str]] = []

    def start_clients(*counts: str, seconds: float = 60) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", slow_clients.__name__, server.url, str(seconds), *counts],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        return process

    yield start_clients
    for process in processes:
        process.communicate()


Start = Callable[..., subprocess.Popen[str]]
HEADS = {
    "heads": (b"GET /path HTTP/1.1\r\n", b"X-Slow: "),
    "bodies": (b"POST /path HTTP/1.1\r\n", b"Content-Length: 8000\r\n\r\n"),
    "large_bodies": (b"POST /path HTTP/1.1\r\n", b"Content-Length: 1000000\r\n\r\n" + b" " * 30000),
}


def test_clients_send_a_byte_per_second(server: Server, start: Start) -> None:
    start(*(f"{kind}=2" for kind in HEADS))

    def sizes() -> list[int]:
        """Return how many bytes each client has sent after the start of its request."""
        return [
            len(text.partition(last)[2])
            for first, last in HEADS.values()
            for text in server.texts()
            if text.startswith(first) and last in text
        ]

    poll_until(lambda: sizes() == [1] * 6, "the first byte")
    poll_until(lambda: sizes() == [2] * 6, "the second byte")


def test_reader_leaves_most_of_the_response(server: Server, start: Start) -> None:
    start("readers=2")
    poll_until(lambda: [text[-1:] for text in server.texts()] == [b"}"] * 2, "whole requests")
    head, _, body = server.texts()[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert len(body) <= 8192
    # The kernel keeps what the clients do not read.
    assert server.accepted == 2


def test_closed_connections_are_opened_again(server: Server, start: Start) -> None:
    start("heads=3", "readers=1")
    poll_until(lambda: len(server.texts()) == 4, "the connections")
    poll_until(lambda: all(server.texts()), "their first bytes")
    server.shut_down()
    poll_until(lambda: server.accepted == 7, "new connections of those that see the end")
    poll_until(lambda: len(server.texts()) == 4, "the same number")


def test_server_that_refuses_is_not_flooded(server: Server, start: Start) -> None:
    start("bodies=5")
    poll_until(lambda: len(server.texts()) == 5, "the connections")
    before = server.accepted
    for _ in range(3):
        poll_until(lambda: any(server.texts()), "a request")
        server.shut_down()
    # Each sends its request half a second after it is connected, or later.
    assert server.accepted - before <= 15


def test_clients_end_with_their_pipe(server: Server, start: Start) -> None:
    process = start("heads=20")
    poll_until(lambda: len(server.texts()) == 20, "the connections")
    process.communicate(timeout=60)
    assert process.returncode == 0
    poll_until(lambda: server.texts() == [], "the end of the connections")


def test_clients_end_by_themselves(server: Server, start: Start) -> None:
    process = start("heads=1", seconds=0.1)
    assert process.wait(timeout=60) == 0


@pytest.mark.timeout(60)
def test_client_that_gets_no_socket_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []

    def refuse() -> socket.socket:
        calls.append(None)
        if len(calls) > 100:
            raise RuntimeError("it spins")
        raise OSError(errno.EMFILE, "no descriptor")

    async def run() -> None:
        client = slow_clients._keep_connected(
            slow_clients.send_head, ("127.0.0.1", 9), "/", source="", delay=0
        )
        await asyncio.wait_for(client, 0.1)

    monkeypatch.setattr(slow_clients, "socket", SimpleNamespace(socket=refuse))
    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert len(calls) == 1


def test_fault_connects_its_clients_until_it_stops(
    make: Make, runtime: object, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(runtime, "addresses", lambda: {"Services": server.url.removesuffix("path")})
    run = f"test-{uuid.uuid4()}"
    fault = make("slow_clients", run_id=run, heads=2, large_bodies=1)
    fault.prepare()
    assert server.accepted == 0
    fault.inject()
    poll_until(lambda: len([text for text in server.texts() if text]) == 3, "the clients")
    assert {text.split()[1] for text in server.texts()} == {b"/process"}
    fault.stop()
    poll_until(lambda: of_run(run) == [], "the end of the process")
    assert list(fault.undo) == []
