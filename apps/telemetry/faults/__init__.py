"""Things to break on purpose; absent unless `FAULTS_ENABLED=1`."""

from __future__ import annotations

from flask import Flask

from ..health import Readiness
from ..metrics import Metrics
from . import readings, strikes
from .background import Background
from .readings import mute, skew
from .routes import blueprint
from .state import FaultState

__all__ = ["FaultState", "init_app", "mute", "skew"]


def init_app(app: Flask, metrics: Metrics, readiness: Readiness, token: str) -> FaultState:
    """Add the routes and the effects; return the switches for the calls to other services."""
    state = FaultState()
    background = Background(state, metrics)
    app.register_blueprint(blueprint(state, background, token))
    strikes.init_app(app, state)
    metrics.fault_series.read = readings.series(state)
    readiness.add(
        "fault", lambda: "The fault `unready` is on." if state.strikes("unready") else None
    )
    background.start()
    return state
