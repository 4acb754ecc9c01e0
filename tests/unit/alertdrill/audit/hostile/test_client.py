"""The client against a server that answers, hangs or closes the connection."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from alertdrill.audit.hostile import client
from alertdrill.audit.hostile.client import Client, Outcome, input_number, source_address
from alertdrill.audit.hostile.inputs import HALF_CLOSES, LEAVES, STALLS, Input
from alertdrill.audit.hostile.responses import Response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Request-ID: a\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n\r\n"


class Server:
    """A server that calls `handle` with each connection, and keeps the clients' addresses."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self.clients: list[str] = []
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            self.clients.append(address[0])
            with connection, suppress(ConnectionError):  # of a client that leaves
                self._handle(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


Serve = Callable[[Callable[[socket.socket], None]], Server]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr(client, "HANG_S", 0.3)
    monkeypatch.setattr(client, "INCOMPLETE_TIMEOUT_S", 0.1)
    servers: list[Server] = []

    def start(handle: Callable[[socket.socket], None]) -> Server:
        servers.append(Server(handle))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def outcome_of(server: Server, item: Input) -> Outcome:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    Client(server.url, iter([item]), True, outcomes.put).start()
    return outcomes.get(timeout=10)


def answer(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(OK)
    connection.recv(1000)


def wait_for_end(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def hang(connection: socket.socket) -> None:
    wait_for_end(connection)
    threading.Event().wait(0.5)


def test_response_is_kept_and_the_connection_ended(serve: Serve) -> None:
    item = Input(3, "x", GET, ("GET",))
    assert outcome_of(serve(answer), item) == Outcome(item, [Response(200, "a")])


def test_each_input_has_an_address_of_its_own(serve: Serve) -> None:
    server = serve(answer)
    for number in (0, 70_000):
        outcome_of(server, Input(number, "x", GET, ("GET",)))
    assert server.clients == ["127.1.0.0", "127.2.17.112"]
    assert [input_number(address) for address in server.clients] == [0, 70_000]
    assert input_number("127.0.0.1") is None
    assert source_address(0) == "127.1.0.0"


def test_complete_request_without_an_answer_hangs(serve: Serve) -> None:
    assert outcome_of(serve(wait_for_end), Input(0, "x", GET, ("GET",))).hangs


def test_connection_that_is_not_closed_hangs(serve: Serve) -> None:
    for end in (HALF_CLOSES, STALLS):
        assert outcome_of(serve(hang), Input(0, "x", b"G", end=end)).hangs


def test_unclear_input_ends_early(serve: Serve) -> None:
    outcome = outcome_of(serve(wait_for_end), Input(0, "x", b"G"))
    assert (outcome.hangs, outcome.left, outcome.responses) == (False, True, [])


def test_client_that_leaves_reads_nothing(serve: Serve) -> None:
    outcome = outcome_of(serve(answer), Input(0, "x", GET, end=LEAVES))
    assert (outcome.left, outcome.responses) == (True, ())


def test_early_answer_to_a_long_input_is_read(serve: Serve) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(OK)

    outcome = outcome_of(serve(refuse), Input(0, "x", b"a" * 10_000_000))
    assert [response.status for response in outcome.responses] == [200]


def test_every_input_has_an_outcome_without_a_server() -> None:
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    inputs = (Input(number, "x", GET) for number in range(40))
    Client("http://127.0.0.1:1", inputs, True, outcomes.put).start()
    assert all(outcomes.get(timeout=10).error.startswith("no connection") for _ in range(40))
