"""The service `web`: the public edge, which calls `data-service`."""

from __future__ import annotations

import os

from flask import Flask, Response, send_from_directory

from alertdrill_telemetry import EnvReader, TelemetrySettings, init_app, problems

from . import home, routes, supplier
from .settings import WebSettings


def create_app(
    settings: WebSettings | None = None, telemetry: TelemetrySettings | None = None
) -> Flask:
    """Return the application. Settings come from the environment by default."""
    settings = settings or WebSettings.from_env(EnvReader(os.environ))
    app = Flask(__name__, static_folder=None)
    instruments = init_app(app, service="web", settings=telemetry)
    problems.init_app(app, instruments.settings.max_body_bytes)
    app.register_blueprint(home.blueprint(settings, instruments.settings))
    app.register_blueprint(routes.blueprint(settings, instruments))
    app.register_blueprint(supplier.blueprint())

    @app.get("/openapi.json")
    def openapi() -> Response:
        return send_from_directory(app.root_path, "openapi.json")

    return app
