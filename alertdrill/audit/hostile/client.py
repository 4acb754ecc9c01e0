"""The client: sends each input on a connection of its own, and keeps what came back."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .inputs import HALF_CLOSES, LEAVES, STALLS, WAITS, Input
from .responses import Response, parse_responses

# The slots of two instances of a service: requests hardly wait, and 512 may.
CONNECTIONS = 16
# No answer and no close by then is a hang. The load balancer gives a head 5 s, a body 5 s (a large
# one 15 s), a free instance 5 s and an answer 10 s.
HANG_S = 40.0
# How long a client waits for an answer to what may not be a complete request.
INCOMPLETE_TIMEOUT_S = 0.4
# Each input has an address of its own, so that a line without an id belongs to it.
FIRST_ADDRESS = int(ipaddress.ip_address("127.1.0.0"))
# As many as 127.0.0.0/8 has addresses, nearly.
MAX_INPUTS = 16_000_000
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Outcome:
    """What an input led to: its responses, and whether the connection ended in time.

    `rest` is what was received and is no response of HTTP/1. `left` says that the client ended its
    side of the connection before it had a response to each request.
    """

    input: Input
    responses: Sequence[Response] = ()
    rest: bytes = b""
    hangs: bool = False
    left: bool = False
    error: str = ""


def source_address(number: int) -> str:
    """Return the address from which the input of a number is sent."""
    return str(ipaddress.ip_address(FIRST_ADDRESS + number))


def input_number(address: str) -> int | None:
    """Return the number of the input that was sent from an address; None for other clients."""
    try:
        number = int(ipaddress.IPv4Address(address)) - FIRST_ADDRESS
    except ValueError:
        return None
    return number if 0 <= number <= MAX_INPUTS else None


class Connection:
    """A connection to `address` for one input."""

    def __init__(self, address: tuple[str, int], source: str) -> None:
        self._socket = socket.create_connection(address, HANG_S, (source, 0) if source else None)
        self._received = b""
        self._ended = False

    def exchange(self, item: Input) -> Outcome:
        """Send an input, and read until the other side closes the connection."""
        with self._socket:
            left, hangs = item.end == HALF_CLOSES, False
            try:
                self._socket.sendall(item.data)
                if item.end == LEAVES:
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return Outcome(item, left=True)
                if item.end == WAITS:
                    left = not self._read(HANG_S if item.methods else INCOMPLETE_TIMEOUT_S, item)
                    hangs = left and bool(item.methods)
                if item.end != STALLS:
                    self._socket.shutdown(socket.SHUT_WR)
            except OSError:  # it was closed while this side sent
                pass
            hangs = not self._read(HANG_S, None) or hangs
        responses, rest = parse_responses(self._received, item.methods, ended=True)
        return Outcome(item, responses, rest, hangs, left)

    def _read(self, seconds: float, item: Input | None) -> bool:
        """Read until the end, or until each request of `item` has a response; False if late."""
        deadline = time.monotonic() + seconds
        while not self._ended:
            if item is not None and self._has_all(item):
                return True
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            self._socket.settimeout(remaining)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                data = b""
            self._received += data
            self._ended = not data
        return True

    def _has_all(self, item: Input) -> bool:
        if not self._received:
            return False
        responses, _ = parse_responses(self._received, item.methods, ended=False)
        return len(responses) >= max(1, len(item.methods))


class Client:
    """Sends inputs to the load balancer at `url` over several connections at once.

    `on_outcome` is called from several threads. With `own_addresses` each input comes from another
    loopback address. `rate` limits the inputs per second.
    """

    def __init__(
        self,
        url: str,
        inputs: Iterator[Input],
        own_addresses: bool,
        on_outcome: Callable[[Outcome], None],
        rate: float | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._inputs = inputs
        self._own_addresses = own_addresses
        self._on_outcome = on_outcome
        self._interval = 1 / rate if rate else 0.0
        self._due = 0.0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._send_all, daemon=True) for _ in range(CONNECTIONS)
        ]

    def start(self) -> None:
        """Start sending."""
        self._due = time.monotonic()
        for thread in self._threads:
            thread.start()

    def is_running(self) -> bool:
        """Return whether there are inputs left, or in flight."""
        return any(thread.is_alive() for thread in self._threads)

    def _send_all(self) -> None:
        while (item := self._next()) is not None:
            source = source_address(item.number) if self._own_addresses else ""
            try:
                outcome = Connection(self._address, source).exchange(item)
            except OSError as error:
                outcome = Outcome(item, error=f"no connection ({type(error).__name__})")
            except Exception as error:  # noqa: BLE001 - a response that can't be read is a result
                outcome = Outcome(item, error=f"unreadable response ({error!r})")
            self._on_outcome(outcome)

    def _next(self) -> Input | None:
        """Return the next input when it is due; None after the last."""
        with self._lock:
            item = next(self._inputs, None)
            self._due = max(self._due, time.monotonic() - 1) + self._interval
            delay = self._due - time.monotonic()
        if item is not None and delay > 0 and self._interval:
            time.sleep(delay)
        return item
