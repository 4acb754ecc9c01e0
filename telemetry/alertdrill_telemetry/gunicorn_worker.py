"""A gunicorn worker for clients that are slow or send invalid bodies."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException
from gunicorn.workers import gthread
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A request follows its connection within a millisecond, unless the client opens spare connections.
FIRST_BYTE_TIMEOUT_S = 0.005
# What is kept of a request until it is complete: 16 MiB for the 1,000 connections of a worker. A
# longer one gets a thread and arrives there.
MAX_KEPT_BYTES = 16 * 1024
LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
EXPECTATION = re.compile(rb"\nexpect:", re.IGNORECASE)


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a request only when it is complete, and refuses invalid chunked bodies.

    gunicorn's default worker waits for the first byte in a thread, for up to 5 s, and for the rest
    without end: as many clients as threads that send half a line would block the instance. A
    request that is chunked, or longer than 16 KiB, may still arrive when it gets a thread. An
    invalid chunk or trailer would be a 500 of the application.
    """

    wsgi: WSGIApplication

    def load_wsgi(self) -> None:
        """Load the application."""
        super().load_wsgi()
        self.wsgi = partial(_call, self.wsgi)

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or return it to the poller until more of its request arrives."""
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE_TIMEOUT_S):
            return gthread._DEFER
        # TLS has a buffer of its own. A stopping worker takes nothing back into the poller.
        if self.alive and not self.cfg.is_ssl and not _has_arrived(conn):
            return gthread._DEFER
        return super().handle(conn)


def _has_arrived(conn: Any) -> bool:
    """Read without waiting; return whether the request is complete, or too long to be kept."""
    conn.init()
    buffer = conn.parser.unreader.buf
    size = buffer.seek(0, os.SEEK_END)
    try:
        data = conn.sock.recv(max(1, MAX_KEPT_BYTES - size), socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass
    except OSError:
        return True  # gunicorn meets the same error, and ends the connection
    else:
        if not data:
            return True
        size += buffer.write(data)
    if size < min(getattr(conn, "awaited", 0), MAX_KEPT_BYTES):
        return False
    received = buffer.getvalue()
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return bool(size >= MAX_KEPT_BYTES)
    head = received[: end + 2]
    length = None if EXPECTATION.search(head) else LENGTH.search(head)
    awaited = end + 4 + int(length[1]) if length else 0
    is_complete = bool(size >= min(awaited, MAX_KEPT_BYTES))
    conn.awaited = 0 if is_complete else awaited
    return is_complete


def _call(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    if "HTTP_TRANSFER_ENCODING" in environ:
        reader = environ["wsgi.input"].reader
        reader.read = partial(_read, reader.read)
    return application(environ, start_response)


def _read(read: Callable[[int], bytes], size: int) -> bytes:
    try:
        return read(size)
    except (ParseException, OSError) as error:
        raise BadRequest("The chunked body of the request is not valid.") from error
