"""Metrics, JSON logs, request context, probes and graceful shutdown for a Flask application.

    from alertdrill_telemetry import init_app
    telemetry = init_app(app, service="web")

README.md describes what it adds, and what it never touches.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from flask import Flask
from prometheus_client import CollectorRegistry
from requests import Session

from . import faults, http_client, logs, operations, ops_server
from .clock import Clock
from .drain import of_worker
from .env_reader import EnvReader
from .errors import SettingsError, TelemetryError
from .exporter import MetricsExporter
from .health import Readiness
from .log_guard import LogGuard
from .metrics import Metrics
from .middleware import observe
from .recorder import Recorder
from .settings import TelemetrySettings

logger = logging.getLogger(__name__)

__all__ = [
    "EnvReader",
    "SettingsError",
    "Telemetry",
    "TelemetryError",
    "TelemetrySettings",
    "init_app",
]


@dataclass
class Telemetry:
    """The instruments that `init_app` gives to a service.

    `exporter` is the PrometheusMetrics of prometheus-flask-exporter: its decorators declare
    metrics of the application. `operations` is the application of the operations endpoints.
    """

    settings: TelemetrySettings
    metrics: Metrics
    exporter: MetricsExporter
    readiness: Readiness
    operations: Flask
    faults: faults.FaultState | None = None

    def session(self, peer: str) -> Session:
        """Return a session for calls to the service `peer`.

        It propagates the request context, pools connections, applies the timeouts of the
        settings, retries failed connections and measures each call under `peer`.
        """
        guards = (faults.request_faults.fail_outgoing(self.faults),) if self.faults else ()
        return http_client.session(
            http_client.ServiceAdapter(peer, self.settings, self.metrics, guards)
        )


def init_app(
    app: Flask,
    service: str,
    settings: TelemetrySettings | None = None,
    registry: CollectorRegistry | None = None,
) -> Telemetry:
    """Instrument a Flask application, before or after its views, hooks and middlewares are added.

    Settings come from the environment by default, and the registry is a new one. The variable
    SERVICE takes precedence over `service`: one application may run as several services. Raises
    `SettingsError`, which names a bad variable, and `TelemetryError` if the application has an
    exporter or views that collide with the operations endpoints.
    """
    if "telemetry" in app.extensions:
        raise TelemetryError(f"{app.name} is already instrumented: call init_app once.")
    if settings is None:
        env = EnvReader(os.environ)
        settings = TelemetrySettings.from_env(env.text("SERVICE", service), env)
    clock = Clock()
    drain = of_worker(os.getpid())
    metrics = Metrics(registry, clock, logs_requests=settings.logs_requests)
    metrics.app_info.labels(service=settings.service, version=settings.version).set(1)
    metrics.in_flight.read = lambda: [((), drain.in_flight())]
    exporter = MetricsExporter(metrics, drain)
    readiness = Readiness(drain, settings.stall_seconds)
    ops = operations.create_app(readiness, exporter)
    telemetry = Telemetry(settings, metrics, exporter, readiness, ops)
    # Commands such as `flask routes` load the application beside its server, and so does the
    # reloader of `flask run`: none of them may take the port.
    shares_listener = settings.ops_port is None or os.environ.get("FLASK_RUN_FROM_CLI") == "true"
    if shares_listener:
        operations.reserve_paths(app)
    handler = logs.configure(
        settings,
        lambda level: metrics.log_records.labels(level=level).inc(),
        clock,
        metrics.log_lines_lost.inc,
    )
    guard = LogGuard(handler, settings.log_level, app.logger.name, metrics.log_repairs)
    recorder = Recorder(settings, exporter, handler, guard, clock)
    if settings.faults_enabled:
        state = faults.init_app(app, ops, metrics, readiness, settings.faults_token)
        clock.skew = faults.clock_skew(state)
        is_silent = recorder.is_silent = faults.log_silence(state)
        handler.addFilter(lambda _: not is_silent())
        handler.writer.redirect = faults.log_disk_full(state)
        telemetry.faults = state
    observe(app, recorder, drain, metrics.open_connections, ops if shares_listener else None)
    if settings.ops_port is not None and not shares_listener:
        try:
            listener = ops_server.listen(settings.host, settings.ops_port)
        except SettingsError as error:  # the servers of this package open the port themselves
            logger.warning("%s This process has no operations endpoints.", error)
        else:
            listener.serve(ops)
    app.extensions["telemetry"] = telemetry
    return telemetry
