"""The instrumentation library: `init_app(app, service="web")` and a service keeps the contracts.

Metrics, JSON logs, request context, probes, draining, problem+json errors and faults; see
docs/explanation/architecture.md for the contracts themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from flask import Flask
from prometheus_client import CollectorRegistry
from requests import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from . import context, exposition, faults, health, http_client, logs, problems
from .clock import Clock
from .drain import DrainState
from .environment import Environment
from .errors import SettingsError, TelemetryError
from .health import Readiness
from .metrics import Metrics
from .settings import TelemetrySettings

__all__ = [
    "Environment",
    "SettingsError",
    "Telemetry",
    "TelemetryError",
    "TelemetrySettings",
    "init_app",
]


@dataclass
class Telemetry:
    """What `init_app` gives a service to work with."""

    settings: TelemetrySettings
    metrics: Metrics
    readiness: Readiness
    faults: faults.FaultState | None = None

    def session(self, peer: str) -> Session:
        """Return a session for calls to the service `peer`.

        It passes the request's context on, keeps its connections, has the settings' time
        limits, tries again where no connection was made, and is measured under `peer`.
        """
        guards = (faults.strikes.refuse_calls(self.faults),) if self.faults else ()
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

    Without `settings` they are read from the environment; `registry` is a fresh one unless given.
    """
    settings = settings or TelemetrySettings.from_env(service, Environment(os.environ))
    clock = Clock()
    metrics = Metrics(registry, clock)
    metrics.app_info.labels(service=settings.service, version=settings.version).set(1)
    drain = DrainState(worker=os.getpid())
    telemetry = Telemetry(settings, metrics, Readiness(drain))
    # Order matters: the context comes first and goes last, and faults strike when all else watches.
    context.init_app(app)
    exposition.init_app(app, metrics, drain)
    written = logs.configure(
        settings, lambda level: metrics.log_records.labels(level=level).inc(), clock
    )
    logs.init_app(app)
    problems.init_app(app, settings.max_body_bytes)
    health.init_app(app, telemetry.readiness)
    if settings.faults_enabled:
        telemetry.faults = faults.init_app(app, metrics, telemetry.readiness, settings.faults_token)
        clock.ahead = faults.skew(telemetry.faults)
        written.addFilter(faults.mute(telemetry.faults))
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    app.extensions["telemetry"] = telemetry
    return telemetry
