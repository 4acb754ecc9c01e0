"""A gunicorn worker for clients that are slow or send invalid bodies."""

from __future__ import annotations

import os
import re
import selectors
import socket
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Iterable
from fcntl import ioctl
from functools import partial
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.workers import gthread
from werkzeug.exceptions import BadRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A request follows its connection within a millisecond, unless the client opens spare connections.
FIRST_BYTE_TIMEOUT_S = 0.005
# What is kept of a request until it is complete: 16 MiB for the 1,000 connections of a worker. A
# longer body arrives in a thread; a longer head is refused.
MAX_KEPT_BYTES = 16 * 1024
# Below the limit of connections: of those that wait, the oldest leave, so that others can come.
SPARE_CONNECTIONS = 32
LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\ntransfer-encoding:", re.IGNORECASE)
EXPECTATION = re.compile(rb"\nexpect:", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"[0-9a-f]{1,8}", re.IGNORECASE)
# A client that sends its next request has read the responses before, or it pipelines. One that does
# not read may have this much in the kernel, which takes as much again without blocking a thread.
MAX_UNREAD_BYTES = 16 * 1024
# How long a thread waits for a client that reads nothing of a longer response. A slow client that
# reads makes room in time.
SEND_TIMEOUT_S = 30
# How long a thread waits for the rest of a body that the application did not read.
DRAIN_TIMEOUT_S = 0.1
# What a client may still send, and for how long, while a connection ends: a reset would take the
# response from it (RFC 9112, section 9.6).
LINGER_S, MAX_LINGER_BYTES = 2.0, 64 * 1024


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """Gives a thread to a request only when it is complete, and refuses invalid chunked bodies.

    With gunicorn's default worker, as many clients as threads block an instance if each sends half
    a request, or reads no response. One that does not close a connection in time blocks all of it
    for 2 s. Here only a request longer than 16 KiB may still arrive when it gets a thread, and a
    client that reads nothing holds a thread for 30 s at most. An invalid chunk or trailer would be
    a 500 of the application.
    """

    wsgi: WSGIApplication

    def init_process(self) -> None:
        """Start to serve."""
        self._ending: deque[Any] = deque()
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application."""
        super().load_wsgi()
        self.wsgi = partial(call_with_valid_chunks, self.wsgi)

    def handle(self, conn: Any) -> Any:
        """Serve a connection, or return it to the poller until more of its request arrives."""
        if not conn.initialized:
            if not conn.wait_for_data(FIRST_BYTE_TIMEOUT_S):
                return gthread._DEFER
            timeout = struct.pack("ll", SEND_TIMEOUT_S, 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            conn.awaited = conn.chunk = 0
        elif _unread_bytes(conn.sock) > MAX_UNREAD_BYTES:
            return False
        # TLS has a buffer of its own. A stopping worker takes nothing back into the poller.
        if self.alive and not self.cfg.is_ssl:
            try:
                if not _has_arrived(conn):
                    return gthread._DEFER
            except LimitRequestHeaders as error:
                self.handle_error(None, conn.sock, conn.client, error)
                return False
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request; end its connection if the client does not read the response."""
        try:
            return super().handle_request(req, conn)
        except BlockingIOError:
            self.log.debug("The client reads nothing.")
            return False

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        try:
            return keepalive and bool(conn.parser.finish_body(deadline))
        except BadRequest:  # of _read
            return False

    def finish_request(self, conn: Any, fs: Any) -> None:
        """End a connection in the poller: gunicorn would wait for its client in this thread."""
        is_kept = fs.cancelled() or fs.exception() or fs.result()
        if is_kept or self.cfg.is_ssl:
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        conn.timeout, conn.lingered = time.monotonic() + LINGER_S, 0
        self._ending.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._linger, conn))

    def _linger(self, conn: Any, _: object) -> None:
        try:
            data = conn.sock.recv(MAX_LINGER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        conn.lingered += len(data)
        if not data or conn.lingered >= MAX_LINGER_BYTES:
            self._ending.remove(conn)
            self._end(conn)

    def murder_pending(self) -> None:
        """Close the connections that have waited for too long."""
        super().murder_pending()
        while self._ending and self._ending[0].timeout <= time.monotonic():
            self._end(self._ending.popleft())
        for waiting in (self._ending, self.pending_conns, self.keepalived_conns):
            while waiting and self.nr_conns > self.worker_connections - SPARE_CONNECTIONS:
                self._end(waiting.popleft())

    def _end(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _unread_bytes(connection: socket.socket) -> int:
    """Return how many bytes the client's host has not taken (SIOCOUTQ)."""
    try:
        (count,) = struct.unpack("i", ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return 0
    return int(count)


def _has_arrived(conn: Any) -> bool:
    """Read without waiting; return whether the request is complete, or too long to be kept.

    Raises `LimitRequestHeaders` if its head is too long.
    """
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
    received = buffer.getvalue()
    if size >= MAX_KEPT_BYTES and b"\r\n\r\n" not in received:
        raise LimitRequestHeaders(f"The head is longer than {MAX_KEPT_BYTES} bytes.")
    is_complete = size >= MAX_KEPT_BYTES or (size >= conn.awaited and _is_complete(received, conn))
    if is_complete:
        conn.awaited = conn.chunk = 0
    return is_complete


def _is_complete(received: bytes, conn: Any) -> bool:
    """Return whether a request is complete or invalid.

    Otherwise set the size that it needs at least, and where its first incomplete chunk begins.
    """
    if not conn.chunk:
        end = received.find(b"\r\n\r\n")
        head = received[: end + 2]
        if end < 0 or EXPECTATION.search(head):
            return end >= 0
        if not CHUNKED.search(head):
            length = LENGTH.search(head)
            conn.awaited = end + 4 + int(length[1]) if length else 0
            return bool(len(received) >= conn.awaited)
        conn.chunk = end + 4
    while (end := received.find(b"\r\n", conn.chunk)) >= 0:
        digits = received[conn.chunk : end].partition(b";")[0].strip(b" \t")
        if not CHUNK_SIZE.fullmatch(digits):
            return True
        if int(digits, 16) == 0:
            return received.find(b"\r\n\r\n", end) >= 0
        conn.awaited = end + 2 + int(digits, 16) + 2
        if conn.awaited > len(received):
            return False
        conn.chunk = conn.awaited
    return False


def call_with_valid_chunks(
    application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Call an application, for which an invalid chunked body is a bad request."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        reader = environ["wsgi.input"].reader
        reader.read = partial(_read, reader.read)
    return application(environ, start_response)


def _read(read: Callable[[int], bytes], size: int) -> bytes:
    try:
        return read(size)
    except (ParseException, OSError) as error:
        raise BadRequest("The chunked body of the request is not valid.") from error
