"""`GET /`: a page that links to everything that runs."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from apps.telemetry import TelemetrySettings

from .settings import WebSettings


def blueprint(settings: WebSettings, telemetry: TelemetrySettings) -> Blueprint:
    """Return the route; the page needs no script and nothing from elsewhere."""
    routes = Blueprint("home", __name__)

    @routes.get("/")
    def home() -> ResponseReturnValue:
        page = render_template("home.html", links=settings.links, telemetry=telemetry)
        return page, {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

    return routes
