"""The instrumentation library: `init_app(app, service="web")` adds it to a Flask application.

It provides metrics, JSON logs, request context, probes, draining, problem+json errors and faults.
See docs/explanation/architecture.md for the contracts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from flask import Flask
from prometheus_client import CollectorRegistry
from requests import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from . import context, faults, flask_exporter, health, http_client, logs, problems
from .clock import Clock
from .drain import DrainState
from .env_reader import EnvReader
from .errors import SettingsError, TelemetryError
from .health import Readiness
from .metrics import Metrics
from .settings import TelemetrySettings

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
    """The instruments that `init_app` gives to a service."""

    settings: TelemetrySettings
    metrics: Metrics
    readiness: Readiness
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
    """Instrument a Flask application; raise `SettingsError` naming a bad variable.

    Settings come from the environment by default, and the registry is a new one.
    """
    settings = settings or TelemetrySettings.from_env(service, EnvReader(os.environ))
    clock = Clock()
    metrics = Metrics(registry, clock)
    metrics.app_info.labels(service=settings.service, version=settings.version).set(1)
    drain = DrainState(worker=os.getpid())
    telemetry = Telemetry(settings, metrics, Readiness(drain))
    # Order matters: the context is set first and reset last. Faults come after all other hooks, so
    # that these see their effect.
    context.init_app(app)
    flask_exporter.init_app(app, metrics, drain)
    log_handler = logs.configure(
        settings, lambda level: metrics.log_records.labels(level=level).inc(), clock
    )
    logs.init_app(app)
    problems.init_app(app, settings.max_body_bytes)
    health.init_app(app, telemetry.readiness)
    if settings.faults_enabled:
        telemetry.faults = faults.init_app(app, metrics, telemetry.readiness, settings.faults_token)
        clock.skew = faults.clock_skew(telemetry.faults)
        log_handler.addFilter(faults.suppress_logs(telemetry.faults))
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    app.extensions["telemetry"] = telemetry
    return telemetry
