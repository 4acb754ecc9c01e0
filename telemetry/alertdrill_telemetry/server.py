"""What both servers share: their settings, and what they do when a worker starts or exits."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import multiprocess, values

from . import drain, faults, logs, ops_server
from .addresses import listen_addresses
from .clock import Clock
from .env_reader import EnvReader
from .errors import SettingsError
from .settings import TelemetrySettings

# The connections that wait for a worker to accept them: gunicorn's default.
BACKLOG = 2048
# Longer than the load balancer keeps an idle connection, so that the instance never closes a
# connection while a request is on its way.
KEEP_ALIVE_S = 75


@dataclass(frozen=True)
class Server:
    """The settings of an instance's server. An instance is one process with threads.

    Scale by adding instances. Several workers are supported.
    """

    telemetry: TelemetrySettings
    app: str
    addresses: Sequence[str]
    port: int
    workers: int
    threads: int
    graceful_timeout: int
    worker_timeout: int
    drain_seconds: float
    temporary_dir: Path | None

    @classmethod
    def from_env(cls) -> Server:
        """Read the environment; configure the log and the metrics of this process.

        Raises `SettingsError` with the name of a bad variable.
        """
        env = EnvReader(os.environ)
        workers = env.integer("WORKERS", 1, at_least=1, at_most=64)
        port = env.integer("PORT", 5000, at_least=1, at_most=65535)
        telemetry = TelemetrySettings.from_env(env.text("SERVICE"), env)
        if telemetry.ops_port == port:
            raise SettingsError(f"PORT and OPS_PORT are both {port}: give each its own number.")
        server = cls(
            telemetry,
            # The application to serve, as MODULE:NAME or MODULE:FACTORY().
            app=env.text("APP", ""),
            addresses=listen_addresses(telemetry.host),
            port=port,
            workers=workers,
            # The load balancer's `maxconn`: it sends an instance as many requests at a time. Probes
            # and scrapes have threads of their own (OPS_PORT). Under gevent they are greenlets.
            threads=env.integer("THREADS", 8, at_least=1, at_most=1000),
            # Longer than the longest request (READ_TIMEOUT to another service, with its retries).
            graceful_timeout=env.integer("GRACEFUL_TIMEOUT", 10, at_least=1, at_most=600),
            # No C extension should hold the interpreter for longer: the worker is then replaced.
            worker_timeout=env.integer("WORKER_TIMEOUT", 30, at_least=1, at_most=3600),
            # Prometheus reads its target list every 5 s and scrapes each target every 5 s, so the
            # first scrape of a new target comes within 10 s. The load balancer then needs 2 s to
            # notice.
            drain_seconds=env.number("DRAIN_SECONDS", 12.0, at_most=300),
            temporary_dir=_share_metrics(workers),
        )
        # The arbiter logs with the same clock as the workers.
        skewed = telemetry.faults_enabled
        logs.configure(
            telemetry, clock=Clock(faults.clock_skew(faults.FaultState())) if skewed else Clock()
        )
        return server

    def start(self, threads: int) -> None:
        """Open the port of the operations, which all workers share, before the first fork."""
        if self.telemetry.ops_port is not None:
            ops_server.listen(self.telemetry.host, self.telemetry.ops_port).deferred = True
        drain.DrainState().threads = threads

    def check_application(self) -> None:
        """Raise `SettingsError` if the application of this worker is not instrumented."""
        port = self.telemetry.ops_port
        if port is not None and not ops_server.listen(self.telemetry.host, port).has_operations:
            raise SettingsError("The application does not call alertdrill_telemetry.init_app(app).")

    def worker_loaded(self) -> None:
        """Answer on the port of the operations, in a worker that has loaded the application."""
        if self.telemetry.ops_port is not None:
            ops_server.listen(self.telemetry.host, self.telemetry.ops_port).start()

    def worker_exited(self, pid: int) -> None:
        """Remove the gauges of an exited worker from the sums; keep its counters."""
        drain.DrainState().release(pid)
        if self.workers > 1:
            multiprocess.mark_process_dead(pid)

    def stopped(self) -> None:
        """Delete the temporary metrics folder; keep a configured one."""
        logging.getLogger(__name__).info("Stopped")
        if self.temporary_dir is not None:
            shutil.rmtree(self.temporary_dir, ignore_errors=True)


def _share_metrics(workers: int) -> Path | None:
    """Let all workers share the metrics; return the folder if it is temporary."""
    configured = os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    shared = None
    if workers > 1:
        shared = Path(configured or tempfile.mkdtemp(prefix="metrics-"))
        shared.mkdir(parents=True, exist_ok=True)
        for file in shared.glob("*.db"):  # files of an earlier run would be counted again
            file.unlink()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
    # prometheus_client has read this variable at its import.
    values.ValueClass = values.get_value_class()
    return None if configured else shared
