"""A client that keeps a number of connections busy, in one thread."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a load measured: the seconds that it took, and those of each request."""

    seconds: float
    durations: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return len(self.durations) / self.seconds

    def percentile(self, ratio: float) -> float:
        """Return the duration in seconds within which this ratio of the requests was answered."""
        return sorted(self.durations)[int(ratio * (len(self.durations) - 1))]


def run(port: int, path: str, *, connections: int, seconds: float) -> Load:
    """Send requests for `seconds`; every connection sends its next one after the answer.

    Raises `RuntimeError` for an answer other than 200.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    started = time.perf_counter()
    load = Load(seconds)
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, [time.perf_counter(), b""])
        while time.perf_counter() - started < seconds:
            for key, _ in selector.select(seconds):
                connection, state = _socket(key), key.data
                state[1] += connection.recv(65536)
                if _is_complete(state[1]):
                    now = time.perf_counter()
                    load.durations.append(now - state[0])
                    state[:] = [now, b""]
                    connection.sendall(request)
        load.seconds = time.perf_counter() - started
        for key in list(selector.get_map().values()):
            _socket(key).close()
    return load


def _socket(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _is_complete(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {head[:100]!r}")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)
