"""The service `data-service`: it describes the numeric fields of records."""

from __future__ import annotations

from flask import Flask, Response, send_from_directory

from alertdrill_telemetry import TelemetrySettings, init_app, problems

from . import routes


def create_app(telemetry: TelemetrySettings | None = None) -> Flask:
    """Return the application. Settings come from the environment by default."""
    app = Flask(__name__, static_folder=None)
    instruments = init_app(app, service="data-service", settings=telemetry)
    problems.init_app(app, instruments.settings.max_body_bytes)
    app.register_blueprint(routes.blueprint)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return send_from_directory(app.root_path, "openapi.json")

    return app
