"""The WSGI side of granian: what an application gets, and what becomes of its response.

It replaces granian's own, which gives the variables of the process's environment to each request
(a variable HTTP_PROXY would be a header), has no `write`, and accepts a late `start_response`.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__package__)

Headers = list[tuple[str, str]]
# The header of the requests that start the threads of a worker, as it is in the environment.
WARM_UP = "HTTP_X_ALERTDRILL_WARM_UP"
# How long such a request keeps its thread busy: until the others have arrived.
WARM_UP_S = 0.02
WARM_UP_TIMEOUT_S = 5.0
# How long granian has to send the parts of a response that breaks off. It then cuts the connection,
# with what it has not sent yet: often all of it.
FLUSH_S = 0.05


class _ErrorLog(io.TextIOBase):
    """`wsgi.errors`: what an application writes there becomes log lines."""

    def write(self, text: str) -> int:
        """Log a text."""
        if text.strip():
            logger.error("%s", text.rstrip())
        return len(text)


class _Start:
    """The `start_response` of a request (PEP 3333)."""

    __slots__ = ("headers", "is_sent", "status", "written")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        # What the application sends through `write`: it goes out before the body.
        self.written: list[bytes] = []
        self.is_sent = False

    def __call__(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info:
            if self.is_sent and exc_info[1] is not None:
                raise exc_info[1]
        elif self.status:
            raise AssertionError("start_response is called twice, without exc_info.")
        self.status, self.headers = int(status[:3]), headers
        return self.written.append

    def length(self) -> int | None:
        """Return the announced length of the body."""
        for name, value in self.headers:
            if len(name) == len("content-length") and name.lower() == "content-length":
                return int(value)
        return None


class _Parts:
    """The rest of a body, which granian iterates and closes."""

    __slots__ = ("__next__", "close")

    def __init__(
        self,
        first: bytes,
        rest: Iterator[bytes],
        length: int | None,
        close: Callable[[], object],
    ) -> None:
        self.__next__ = _all(first, rest, length).__next__
        self.close = close


def _all(first: bytes, rest: Iterator[bytes], length: int | None) -> Iterator[bytes]:
    yield first
    sent = len(first)
    try:
        for part in rest:
            yield part
            sent += len(part)
    except Exception:
        time.sleep(FLUSH_S)
        raise
    if length is not None and sent < length:
        time.sleep(FLUSH_S)


class Gateway:
    """What granian calls with its protocol and the request's part of the environment.

    It belongs to one worker, whose pool has `threads` threads.
    """

    def __init__(self, application: WSGIApplication, threads: int, token: str) -> None:
        self._application = application
        self._threads = threads
        self._token = token
        self._started: set[int] = set()
        self._base: WSGIEnvironment = {
            "SCRIPT_NAME": "",
            "SERVER_SOFTWARE": "granian",
            "wsgi.errors": _ErrorLog(),
            "wsgi.multiprocess": "PROMETHEUS_MULTIPROC_DIR" in os.environ,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.version": (1, 0),
        }

    def __call__(self, protocol: Any, request: WSGIEnvironment) -> None:
        """Serve a request."""
        if WARM_UP in request and request[WARM_UP].startswith(self._token):
            if request[WARM_UP] == self._warm_up_token():
                self._started.add(threading.get_ident())
                time.sleep(WARM_UP_S)
            protocol.response_bytes(204, [], b"")
            return
        start = _Start()
        close: Callable[[], object] | None = None
        try:
            environ = self._base | request
            if "HTTP_TRANSFER_ENCODING" in request:
                # The length is unknown. Where it is known, werkzeug refuses a body that ends early.
                environ["wsgi.input_terminated"] = True
            body = self._application(environ, start)
            close = getattr(body, "close", None)
            if _send(protocol, start, body, close or _nothing):
                close = None  # granian has called it
        except BaseException:  # noqa: BLE001 - whatever it is, the thread serves the next request
            _fail(protocol, start, request)
        try:
            if close is not None:
                close()
        except BaseException:  # noqa: BLE001 - as above
            _fail(protocol, start, request)

    def _warm_up_token(self) -> str:
        return f"{self._token}:{os.getpid()}"

    def warm_up(self, address: tuple[str, int]) -> None:
        """Make granian start all threads of the worker, through requests to its own port.

        granian starts a thread when it believes that none is idle, which can be late: a request
        then waits behind a long one although other threads could still start. Requests that
        another worker gets do nothing. Raises `OSError` if the port does not answer.
        """
        head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        header = WARM_UP.removeprefix("HTTP_").replace("_", "-")
        text = f"{head}{header}: {self._warm_up_token()}\r\n\r\n".encode()
        while len(self._started) < self._threads:
            with ExitStack() as stack:
                connections = [
                    stack.enter_context(socket.create_connection(address, WARM_UP_TIMEOUT_S))
                    for _ in range(self._threads)
                ]
                for connection in connections:
                    connection.sendall(text)
                for connection in connections:
                    connection.recv(1)


def _send(protocol: Any, start: _Start, body: Iterable[bytes], close: Callable[[], object]) -> bool:
    """Send a response; return whether granian has closed the body."""
    parts = iter(body)
    first: bytes | None = next(parts, None)
    if not start.status:
        raise AssertionError("The application has not called start_response.")
    data = b"".join([*start.written, first or b""])
    length = start.length()
    start.is_sent = True
    if first is None or (length is not None and len(data) >= length):
        protocol.response_bytes(start.status, start.headers, data[:length])
        for _ in parts:  # to its end, which tells the body that it is complete
            pass
        return False
    protocol.response_iter(start.status, start.headers, _Parts(data, parts, length, close))
    return True


def _fail(protocol: Any, start: _Start, request: WSGIEnvironment) -> None:
    logger.exception("Error handling request %s", request["PATH_INFO"])
    if start.is_sent:
        return
    start.is_sent = True
    if start.written:  # under other servers, these parts have been sent
        rest: Iterator[bytes] = map(_break_off, [b""])
        parts = _Parts(b"".join(start.written), rest, None, _nothing)
        protocol.response_iter(start.status, start.headers, parts)
    else:
        protocol.response_bytes(500, [], b"")


def _break_off(_: bytes) -> NoReturn:
    raise ConnectionAbortedError


def _nothing() -> None:
    pass
