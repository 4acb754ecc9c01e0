"""Faults that a service injects into itself. Absent unless `FAULTS_ENABLED=1`."""

from __future__ import annotations

from flask import Flask

from ..health import Readiness
from ..metrics import Metrics
from . import request_faults, telemetry_faults
from .background_faults import BackgroundFaults
from .routes import blueprint
from .state import FaultState
from .telemetry_faults import clock_skew, log_disk_full, log_silence

__all__ = ["FaultState", "clock_skew", "init_app", "log_disk_full", "log_silence"]


def init_app(
    app: Flask, operations: Flask, metrics: Metrics, readiness: Readiness, token: str
) -> FaultState:
    """Add the routes to the operations and the effects to the application; return the state."""
    state = FaultState()
    background = BackgroundFaults(state, metrics)
    operations.register_blueprint(blueprint(state, background, token))
    request_faults.init_app(app, state)
    request_faults.delay_scrapes(operations, state)
    metrics.fault_series.read = telemetry_faults.extra_series(state)
    readiness.add(
        "fault", lambda: "The fault `unready` is on." if state.should_inject("unready") else None
    )
    background.start()
    return state
