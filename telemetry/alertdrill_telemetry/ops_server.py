"""A listener for the operations endpoints, which answers while every worker thread is busy."""

from __future__ import annotations

import os
import socket
import threading
from functools import cache
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from .errors import SettingsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# A probe or a scrape sends its request at once; a connection without one ends after this time.
TIMEOUT_S = 5.0
# The load balancer, Prometheus and a person connect: few connections wait at the same time.
BACKLOG = 64
# Each connection has a thread; more connections are closed. None lasts long.
MAX_CONNECTIONS = 64


class OpsListener:
    """A port for the operations endpoints of this process and of the workers that it forks.

    Set `deferred` if the application is loaded later: then `start` begins to answer, since an
    instance that can't serve yet must not look ready. Raises `SettingsError` if the port is in use.
    """

    deferred = False
    _server: _Server | None = None

    def __init__(self, host: str, port: int) -> None:
        self._name = f"OPS_PORT {port} on {host}"
        try:
            self._socket = socket.create_server((host, port), backlog=BACKLOG)
        except OSError as error:
            raise SettingsError(f"{self._name} can't be used: {error.strerror}.") from None
        # Several workers wait for the same connection; those that come late must not block.
        self._socket.setblocking(False)
        self._pid = 0

    @property
    def port(self) -> int:
        """Return the port; the system chooses it if the settings have 0."""
        port: int = self._socket.getsockname()[1]
        return port

    def serve(self, operations: WSGIApplication) -> None:
        """Answer in threads of this process until it ends; with `deferred`, from `start` on."""
        if self._pid == os.getpid():
            raise SettingsError(
                f"{self._name} belongs to another application of this process: give each"
                " application its own port, or none."
            )
        self._pid = os.getpid()
        self._server = _Server(self._socket)
        self._server.set_app(operations)
        if not self.deferred:
            self.start()

    def start(self) -> None:
        """Begin to answer; do nothing for a process without operations."""
        if self._server is not None:
            answer = self._server.serve_forever
            threading.Thread(target=answer, name="operations", daemon=True).start()


@cache
def listen(host: str, port: int) -> OpsListener:
    """Return the listener of a port; a worker gets the one that was made before its fork."""
    return OpsListener(host, port)


class _Handler(WSGIRequestHandler):
    timeout = TIMEOUT_S

    def log_message(self, *_: Any) -> None:
        """Log nothing: probes and scrapes have no access lines."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()
        self.setup_environ()
        self._free = threading.Semaphore(MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or close the connection if there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the system gives no more threads
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, *_: Any) -> None:
        """Ignore a client that goes away."""
