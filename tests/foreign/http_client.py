"""A client that sends raw bytes and keeps every byte of the answer, to compare answers exactly."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

# A busy machine imports mlflow in half of that, and the first answer waits for it.
TIMEOUT_S = 120.0
# Answers to a request with no body, whatever their headers say (RFC 9112, 6.3).
WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class Step:
    """Wait until the received bytes contain `received`, then send `data`."""

    received: bytes
    data: bytes


# The last step of a client that goes away.
HANG_UP = b""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: headers in order, and the body with the framing of its chunks."""

    status: int
    reason: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    complete: bool

    def values(self, name: str) -> list[str]:
        """Return the values of all headers with this name."""
        return [value for header, value in self.headers if header.lower() == name.lower()]


def exchange(
    port: int, data: bytes, steps: Sequence[Step] = (), *, half_close: bool = False
) -> bytes:
    """Send bytes, take the steps, and return what comes until the server closes the connection.

    With `half_close` the client ends its side after the data. Raises TimeoutError if nothing comes.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        _send(connection, data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        for step in steps:
            while step.received not in received:
                part = _receive(connection)
                if not part:
                    return received
                received += part
            if step.data == HANG_UP:  # what came beyond it depends on the network
                return received[: received.index(step.received) + len(step.received)]
            connection.sendall(step.data)
        while part := _receive(connection):
            received += part
    return received


def _send(connection: socket.socket, data: bytes) -> None:
    # A server that answers before it has read everything: its answer is still to be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def parse(received: bytes, methods: Sequence[str]) -> list[Answer]:
    """Split what came on one connection into the answers to requests with these methods.

    Informational answers are on the list, except that 101 has the rest of the connection as its
    body. An answer that ended early is incomplete. Raises ValueError for bytes that are no answer.
    """
    answers: list[Answer] = []
    waiting = list(methods)
    rest = received
    while rest:
        head, separator, rest = rest.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        matched = re.fullmatch(r"HTTP/1\.[01] (\d{3}) ?(.*)", status_line)
        if matched is None or not separator:
            raise ValueError(f"{received[:200]!r} is no HTTP answer.")
        status = int(matched[1])
        headers = [
            (name, value.strip()) for name, _, value in (line.partition(":") for line in lines)
        ]
        informational = 100 <= status < 200 and status != 101
        method = "" if informational or not waiting else waiting.pop(0)
        if informational or status in WITHOUT_BODY:
            body, complete = b"", True
        elif method == "HEAD":  # a server may send its own error page all the same
            body, complete = (rest, True) if not waiting else (b"", True)
            rest = rest[len(body) :]
        else:
            length, complete = _body_length(headers, rest)
            body, rest = rest[:length], rest[length:]
        answers.append(Answer(status, matched[2], headers, body, complete))
    return answers


def _body_length(headers: Sequence[tuple[str, str]], rest: bytes) -> tuple[int, bool]:
    """Return how many of the bytes belong to the body, and whether it is complete."""
    fields = {name.lower(): value for name, value in headers}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return _chunked_length(rest)
    if "content-length" in fields:
        length = int(fields["content-length"])
        return length, len(rest) >= length
    return len(rest), True


def _chunked_length(rest: bytes) -> tuple[int, bool]:
    position = 0
    while True:
        end = rest.find(b"\r\n", position)
        if end < 0:
            return len(rest), False
        size = int(rest[position:end].split(b";")[0], 16)
        position = end + 2 + size + 2
        if position > len(rest):
            return len(rest), False
        if size == 0:
            return position, True
