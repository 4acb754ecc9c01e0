"""gunicorn's settings: `gunicorn -c python:alertdrill_telemetry.gunicorn_conf APP`."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers import gthread

from . import drain
from .errors import SettingsError
from .gunicorn_worker import ThreadWorker
from .server import BACKLOG, KEEP_ALIVE_S, Server

_server = Server.from_env()
# An address of version 6 needs brackets.
_hosts = [f"[{host.strip('[]')}]" if ":" in host else host for host in _server.addresses]
bind = [f"{host}:{_server.port}" for host in _hosts]
backlog = BACKLOG
if _server.app:  # the application to serve if the command line names none
    wsgi_app = _server.app
# Whether `python -m gevent.monkey` has started this process.
_is_patched = "gevent" in sys.modules and import_module("gevent.monkey").is_module_patched(
    "threading"
)
worker_class = f"{__package__}.gevent_worker.GeventWorker" if _is_patched else ThreadWorker
workers, threads = _server.workers, _server.threads
keepalive = KEEP_ALIVE_S
timeout, graceful_timeout = _server.worker_timeout, _server.graceful_timeout
control_socket_disable = True  # unused, and one more attack surface
# A client's SCRIPT_NAME or PATH_INFO is a header as any other.
forwarder_headers = ""
loglevel = _server.telemetry.log_level.lower()
accesslog = None  # recorder.py writes the access line, with the route


class JsonGunicornLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's log lines through the root logger, which writes JSON."""

    def setup(self, cfg: Any) -> None:
        """Remove gunicorn's handlers."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


logger_class = JsonGunicornLogger


def on_starting(server: Any) -> None:
    """Open the port of the operations; make SIGTERM drain."""
    if server.cfg.preload_app:
        raise SettingsError("Each worker loads the application itself: remove --preload.")
    if server.cfg.workers != _server.workers:
        raise SettingsError(
            f"gunicorn has {server.cfg.workers} workers, and WORKERS is {_server.workers}: set"
            " WORKERS in place of gunicorn's option, so that the workers share their metrics."
        )
    has_threads = _is_patched or issubclass(server.cfg.worker_class, gthread.ThreadWorker)
    _server.start(server.cfg.threads if has_threads else 0)
    drain.install(server, _server.drain_seconds)


def pre_fork(_arbiter: Any, _worker: Any) -> None:
    """Exempt the arbiter's objects from garbage collection, which would copy their memory."""
    gc.collect()
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Answer on the port of the operations: the worker has loaded the application."""
    _server.check_application()
    _server.worker_loaded()


def child_exit(_arbiter: Any, worker: Any) -> None:
    """Remove the gauges of an exited worker."""
    _server.worker_exited(worker.pid)


def on_exit(_arbiter: Any) -> None:
    """Delete the temporary files."""
    _server.stopped()
