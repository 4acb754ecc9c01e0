"""`GET /`: a page with links to the components of the stack."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from alertdrill_telemetry import TelemetrySettings

from .settings import WebSettings


def blueprint(settings: WebSettings, telemetry: TelemetrySettings) -> Blueprint:
    """Return the route. The page needs no script and no other file."""
    routes = Blueprint("home", __name__)

    @routes.get("/")
    def home() -> ResponseReturnValue:
        page = render_template("home.html", links=settings.links, telemetry=telemetry)
        return page, {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

    return routes
