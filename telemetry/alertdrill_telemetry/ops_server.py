"""A listener for the operations endpoints, which answers while every worker thread is busy."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from .addresses import listen_addresses
from .errors import SettingsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# A probe or a scrape sends its request at once: the head of each request has this time in all.
TIMEOUT_S = 5.0
# The load balancer, Prometheus and a person connect: few connections wait at the same time.
BACKLOG = 64
# Each connection has a thread. One more takes the place of the oldest without a whole head, or is
# closed if all have one.
MAX_CONNECTIONS = 64
# Each response is sent at once: of a process that exits meanwhile a client would take the status
# line alone for a response without metrics. Once the head is complete, its Content-Length tells.
BUFFER_BYTES = 64 * 1024
# How long a thread may take to end whose connection is closed.
END_S = 0.1


class OpsListener:
    """A port for the operations endpoints of this process and of the workers that it forks.

    `hosts` is as in `listen_addresses`.

    Set `deferred` if the application is loaded later: then `start` begins to answer, since an
    instance that can't serve yet must not look ready. Raises `SettingsError` if the port is in use.
    """

    deferred = False
    _servers: Sequence[_Server] = ()

    def __init__(self, hosts: str, port: int) -> None:
        self._name = f"OPS_PORT {port} on {hosts}"
        self._sockets = []
        try:
            for address in listen_addresses(hosts):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                endpoint = (address.strip("[]"), port)
                listener = socket.create_server(endpoint, family=family, backlog=BACKLOG)
                self._sockets.append(listener)
        except OSError as error:
            raise SettingsError(f"{self._name} can't be used: {error.strerror}.") from None
        for listener in self._sockets:
            # Several workers wait for the same connection; those that come late must not block.
            listener.setblocking(False)
        self._pid = 0

    def serve(self, operations: WSGIApplication) -> None:
        """Answer in threads of this process until it ends; with `deferred`, from `start` on."""
        if self._pid == os.getpid():
            raise SettingsError(
                f"{self._name} belongs to another application of this process: give each"
                " application its own port, or none."
            )
        self._pid = os.getpid()
        self._servers = [_Server(listener, operations) for listener in self._sockets]
        if not self.deferred:
            self.start()

    @property
    def has_operations(self) -> bool:
        """Whether an application of this process has operations."""
        return self._pid == os.getpid()

    def start(self) -> None:
        """Begin to answer; do nothing for a process without operations."""
        for server in self._servers:
            answer = server.serve_forever
            threading.Thread(target=answer, name="operations", daemon=True).start()


@cache
def listen(hosts: str, port: int) -> OpsListener:
    """Return the listener of a port; a worker gets the one that was made before its fork."""
    return OpsListener(hosts, port)


class _Handler(WSGIRequestHandler):
    timeout = TIMEOUT_S
    wbufsize = BUFFER_BYTES
    server: _Server

    def parse_request(self) -> bool:
        """Read the rest of the head."""
        is_valid = super().parse_request()
        self.server.unread.pop(self.connection, None)
        return is_valid

    def log_message(self, *_: Any) -> None:
        """Log nothing: probes and scrapes have no access lines."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, operations: WSGIApplication) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()
        self.set_app(operations)
        self._free = threading.Semaphore(MAX_CONNECTIONS)
        # The connections without a whole head, from the oldest on, and when they are closed.
        self.unread: dict[socket.socket, float] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or close the connection if there are too many."""
        if not self._free.acquire(blocking=False) and not self._make_room():
            self.shutdown_request(request)
            return
        self.unread[request] = time.monotonic() + TIMEOUT_S
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the system gives no more threads
            self._release(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._release(request)

    def _release(self, request: socket.socket) -> None:
        self.unread.pop(request, None)
        self._free.release()

    def _make_room(self) -> bool:
        """Close the oldest connection without a whole head; return whether a thread is free."""
        unread = list(self.unread)
        if not unread:
            return False
        _end(unread[0])
        return self._free.acquire(timeout=END_S)

    def service_actions(self) -> None:
        """Close connections whose head takes too long; the server calls this every 0.5 s."""
        now = time.monotonic()
        for request, deadline in list(self.unread.items()):
            if deadline < now:
                _end(request)

    def handle_error(self, *_: Any) -> None:
        """Ignore a client that goes away."""


def _end(connection: socket.socket) -> None:
    """End a connection that a thread reads: to close it would not wake the thread."""
    with suppress(OSError):  # it has just ended by itself
        connection.shutdown(socket.SHUT_RDWR)
