"""gunicorn's settings: `gunicorn -c python:alertdrill_telemetry.gunicorn_conf APP`.

An instance is one process with threads. Scale by adding instances. Several workers are supported.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers import gthread
from prometheus_client import multiprocess, values

from . import EnvReader, SettingsError, addresses, drain, faults, logs, ops_server
from .clock import Clock
from .gunicorn_worker import ThreadWorker
from .settings import TelemetrySettings

if os.environ.get("WORKERS", "1") not in ("", "1"):
    _configured_dir = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    _shared = Path(_configured_dir or tempfile.mkdtemp(prefix="metrics-"))
    _shared.mkdir(parents=True, exist_ok=True)
    for _file in _shared.glob("*.db"):  # files of an earlier run would be counted again
        _file.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_shared)
    # prometheus_client has read this variable at its import, when it was not set yet.
    values.ValueClass = values.get_value_class()

_env = EnvReader(os.environ)
workers = _env.integer("WORKERS", 1, at_least=1, at_most=64)
_settings = TelemetrySettings.from_env(_env.text("SERVICE"), _env)
# Prometheus reads its target list every 5 s and scrapes each target every 5 s, so the first scrape
# of a new target comes within 10 s. The load balancer then needs 2 s to notice.
_drain_seconds = _env.number("DRAIN_SECONDS", 12.0, at_most=300)

_port = _env.integer("PORT", 5000, at_least=1, at_most=65535)
bind = [f"{address}:{_port}" for address in addresses.listen_addresses(_settings.host)]
if _app := _env.text("APP", ""):  # the application to serve if the command line names none
    wsgi_app = _app
worker_class = ThreadWorker
# The load balancer's `maxconn`: it sends an instance as many requests at a time. Probes and scrapes
# have threads of their own (OPS_PORT).
threads = _env.integer("THREADS", 8, at_least=1, at_most=512)
# Longer than the load balancer keeps an idle connection, so that the instance never closes a
# connection while a request is on its way.
keepalive = 75
# Longer than the longest request (READ_TIMEOUT to another service, with its retries).
graceful_timeout = _env.integer("GRACEFUL_TIMEOUT", 10, at_least=1, at_most=600)
control_socket_disable = True  # unused, and one more attack surface
# A client's SCRIPT_NAME or PATH_INFO is a header as any other.
forwarder_headers = ""
accesslog = None  # access_log.py writes the access line, with the route


class JsonGunicornLogger(Logger):  # type: ignore[misc]
    """Sends gunicorn's log lines through the root logger, which writes JSON."""

    def setup(self, cfg: Any) -> None:
        """Remove gunicorn's handlers."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


logger_class = JsonGunicornLogger
# The arbiter logs with the same clock as the workers.
_clock = Clock(faults.clock_skew(faults.FaultState())) if _settings.faults_enabled else Clock()
logs.configure(_settings, clock=_clock)


def on_starting(server: Any) -> None:
    """Open the port of the operations, which all workers share; make SIGTERM drain."""
    if _settings.ops_port is not None:
        if server.cfg.preload_app:
            raise SettingsError("OPS_PORT needs an application in each worker: remove --preload.")
        ops_server.listen(_settings.host, _settings.ops_port).deferred = True
    if issubclass(server.cfg.worker_class, gthread.ThreadWorker):
        drain.DrainState().threads = server.cfg.threads
    drain.install(server, _drain_seconds)


def pre_fork(_server: Any, _worker: Any) -> None:
    """Exempt the arbiter's objects from garbage collection, which would copy their memory."""
    gc.collect()
    gc.freeze()


def post_worker_init(_worker: Any) -> None:
    """Answer on the port of the operations: the worker has loaded the application."""
    if _settings.ops_port is not None:
        ops_server.listen(_settings.host, _settings.ops_port).start()


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the gauges of an exited worker from the sums; keep its counters."""
    drain.DrainState(worker=worker.pid)  # resets its requests in flight
    if workers > 1:
        multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Delete the temporary metrics folder; keep a configured one."""
    logging.getLogger(__name__).info("Stopped")
    if workers > 1 and not _configured_dir:
        shutil.rmtree(_shared, ignore_errors=True)
