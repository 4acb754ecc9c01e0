"""What the kinds of inputs draw from: a source of random numbers, and requests to alter.

Hypothesis would draw 300 requests a second on one core, fewer than the stack answers.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from .inputs import WAITS, Operation, paths_of, wrap

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
# Bytes that end, separate or hide something in HTTP, and what decoders stumble on.
SPECIAL = [bytes([code]) for code in (0, 1, 9, 10, 11, 13, 27, 32, 34, 35, 37, 44, 47, 58, 59)]
SPECIAL += [b"\x7f", b"\x80", b"\xa0", b"\xff", b"\xc3\xa9", b"\xc0\xaf", b"\xed\xa0\x80", b"\r\n"]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """The bytes of an input; `methods` and `end` are those of `Input`."""

    data: bytes
    methods: Sequence[str] = ()
    end: str = WAITS


Make = Callable[["Draw"], Draft]


class Draw:
    """The random choices of one input, whose request id is `id`."""

    def __init__(self, random: Random, id_: str, operations: Sequence[Operation]) -> None:
        self.random = random
        self.id = id_
        self.operations = operations
        self._requests = 0

    def one(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return self.random.choice(items)

    def some(self, items: Sequence[T], most: int) -> list[T]:
        """Return up to `most` of the items, perhaps one of them twice."""
        return self.random.choices(items, k=self.random.randint(0, most)) if items else []

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < probability

    def path(self) -> str:
        """Return a path: half of them have no route, which is quick to answer."""
        return "/nowhere" if self.chance(0.5) else self.one([*paths_of(self.operations), "/"])

    def junk(self, most: int) -> bytes:
        """Return random bytes, at least one, of which many are special."""
        count = self.random.randint(1, most)
        if self.chance(0.5):
            return self.random.randbytes(count)
        return b"".join(self.random.choices(SPECIAL, k=count))

    def token(self, most: int) -> bytes:
        """Return a valid token of HTTP."""
        return "".join(self.random.choices(TOKEN, k=self.random.randint(1, most))).encode()

    def fields(self) -> list[bytes]:
        """Return the header fields of a plain request, with an id of its own."""
        self._requests += 1
        number = "" if self._requests == 1 else f".{self._requests}"
        return [b"Host: localhost", f"X-Request-ID: {self.id}{number}".encode()]

    def head(self, method: str = "GET", target: str = "", *more: bytes) -> list[bytes]:
        """Return the request line and the header fields of a request."""
        line = f"{method} {target or self.path()} HTTP/1.1".encode("latin-1", "replace")
        return [line, *self.fields(), *more]

    def request(self, method: str = "GET", target: str = "", *more: bytes) -> bytes:
        """Return a request without a body."""
        return wrap(self.head(method, target, *more))

    def post(self, body: bytes, *more: bytes, target: str = "/process") -> bytes:
        """Return a request with a body of JSON."""
        length = b"Content-Length: %d" % len(body)
        return wrap(
            self.head("POST", target, b"Content-Type: application/json", length, *more), body
        )

    def mutate(self, data: bytes) -> bytes:
        """Return the data with up to four changes: bytes inserted, repeated or removed."""
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data) + 1)
            until = min(len(data), at + int(self.random.expovariate(0.2)) + 1)
            piece = data[at:until]
            new = self.one([b"", self.junk(4), piece + piece, piece + self.junk(3), b"\r\n"])
            data = data[:at] + new + data[until:]
        return data
