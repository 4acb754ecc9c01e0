"""A gunicorn worker with greenlets in place of threads, for many open connections.

`python -m gevent.monkey --module gunicorn -c python:alertdrill_telemetry.gunicorn_conf` uses it:
gevent replaces Python's functions that block before anything imports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from gevent import Greenlet, Timeout, getcurrent, kill
from gunicorn.workers import ggevent

from .gunicorn_worker import call_with_valid_chunks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class GeventWorker(ggevent.GeventWorker):  # type: ignore[misc]
    """Answers an invalid chunked body with 400, as our worker with threads does.

    A slow client holds a greenlet, which costs little, and one of the worker's 1,000 connections.
    """

    wsgi: WSGIApplication

    def load_wsgi(self) -> None:
        """Load the application."""
        super().load_wsgi()
        self.wsgi = partial(call_with_valid_chunks, self.wsgi)

    def init_process(self) -> None:
        """Start to serve."""
        self._waiting: dict[Greenlet, Timeout] = {}
        super().init_process()

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Limit the time until the head of the next request has arrived."""
        greenlet = getcurrent()
        with Timeout(self.cfg.keepalive, False) as timeout:
            self._waiting[greenlet] = timeout
            try:
                yield
            finally:
                del self._waiting[greenlet]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and close the idle connections, which the load balancer keeps for a minute."""
        super().handle_exit(sig, frame)
        for greenlet, timeout in self._waiting.items():
            kill(greenlet, timeout)
