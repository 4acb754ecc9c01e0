"""gunicorn's settings for every service: `gunicorn -c apps/telemetry/gunicorn_conf.py APP`.

One process with threads is an instance; scale by instances. Several workers are supported.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

if os.environ.get("WORKERS", "1") not in ("", "1"):
    # prometheus_client looks for this at its import, so it is set before everything below.
    _given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    _shared = Path(_given or tempfile.mkdtemp(prefix="metrics-"))
    _shared.mkdir(parents=True, exist_ok=True)
    for _file in _shared.glob("*.db"):  # an earlier run's would be counted again
        _file.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_shared)

from prometheus_client import multiprocess

from apps.telemetry import Environment, drain, faults, logs
from apps.telemetry.clock import Clock
from apps.telemetry.settings import TelemetrySettings
from apps.telemetry.worker import ThreadWorker

_env = Environment(os.environ)
workers = _env.integer("WORKERS", 1, at_least=1, at_most=64)
_settings = TelemetrySettings.from_env(_env.text("SERVICE"), _env)
# Until a new target's first scrape: Prometheus reads its list of targets every 5 s and scrapes
# each every 5 s. Then 2 s for the load balancer to notice.
_drain_seconds = _env.number("DRAIN_SECONDS", 12.0, at_most=300)

bind = f"{_env.text('HOST', '127.0.0.1')}:{_env.integer('PORT', 5000, at_least=1, at_most=65535)}"
# What to serve, where the command line does not say: every image has the same command. A service
# is the folder of its name in apps/.
_service = _env.text("SERVICE")
_module = "alerting.responder" if _service == "responder" else f"apps.{_service.replace('-', '_')}"
wsgi_app = _env.text("APP", f"{_module}:create_app()")
worker_class = ThreadWorker
# The load balancer sends an instance at most as many requests at a time (its `maxconn`), plus
# probes and scrapes, which need a thread each so that a busy instance still answers them.
threads = _env.integer("THREADS", 10, at_least=1, at_most=512)
# Longer than the load balancer keeps an idle connection, so that it is never we who close one
# just when a request is on its way.
keepalive = 75
# Longer than the longest request may take (READ_TIMEOUT to another service, with its retries).
graceful_timeout = _env.integer("GRACEFUL_TIMEOUT", 10, at_least=1, at_most=600)
control_socket_disable = True  # nobody uses it, and it would be one more way in
accesslog = None  # the access line comes from apps.telemetry.logs, which knows the route


class ContractLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines, through the root logger and so as JSON."""

    def setup(self, cfg: Any) -> None:
        """Keep gunicorn from adding handlers of its own."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True


logger_class = ContractLogger
# The arbiter's lines go by the same clock as the workers'.
_clock = Clock(faults.skew(faults.FaultState())) if _settings.faults_enabled else Clock()
logs.configure(_settings, clock=_clock)


def on_starting(server: Any) -> None:
    """Drain on SIGTERM."""
    drain.install(server, _drain_seconds)


def child_exit(_server: Any, worker: Any) -> None:
    """Take a gone worker's gauges out of the sums; its counters stay."""
    drain.DrainState(worker=worker.pid)  # what it had in flight is gone with it
    if workers > 1:
        multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind; a folder that was given to us stays as it is."""
    logging.getLogger(__name__).info("Stopped")
    if workers > 1 and not _given:
        shutil.rmtree(_shared, ignore_errors=True)
