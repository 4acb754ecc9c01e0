"""The service `data-service`: takes records and describes their numeric fields."""

from __future__ import annotations

from flask import Flask

from apps.telemetry import TelemetrySettings, init_app

from . import process


def create_app(telemetry: TelemetrySettings | None = None) -> Flask:
    """Return the application; settings come from the environment unless given."""
    app = Flask(__name__, static_folder=None)
    init_app(app, service="data-service", settings=telemetry)
    app.register_blueprint(process.routes)
    return app
