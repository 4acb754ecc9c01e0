"""The operations endpoints: `/healthz`, `/readyz`, `/metrics` and `/faults`.

They are a small application of their own, so that no hook, setting or middleware of the observed
application affects them.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from . import problems
from .errors import TelemetryError
from .exporter import MetricsExporter
from .health import Readiness
from .problems import Problem

# The paths; `/faults` also has paths below it.
OPERATIONS = ("/healthz", "/readyz", "/metrics", "/faults")


def is_operation(path: str) -> bool:
    """Return whether a request path belongs to an operations endpoint."""
    return path in OPERATIONS or path.startswith("/faults/")


def create_app(readiness: Readiness, exporter: MetricsExporter) -> Flask:
    """Return the application of the operations endpoints."""
    app = Flask("alertdrill_telemetry.operations", static_folder=None)
    problems.init_app(app)

    @app.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> ResponseReturnValue:
        reasons = readiness.reasons()
        if reasons:
            raise Problem(503, " ".join(reasons.values()), reasons=reasons)
        return {"status": "ready"}

    @app.get("/metrics")
    def metrics() -> ResponseReturnValue:
        names = request.args.getlist("name[]")
        text, content_type = exporter.generate_metrics(request.headers.get("Accept"), names)
        return Response(text, content_type=content_type)

    return app


def reserve_paths(app: Flask) -> None:
    """Refuse views of the application at the paths of the operations endpoints.

    Both share a listener, and the view would never be called. Raises `TelemetryError`, also for
    views that are added later.
    """
    add = app.url_map.add

    def checked_add(rule: object) -> None:
        _check(getattr(rule, "rule", ""))
        add(rule)  # type: ignore[arg-type]

    for rule in app.url_map.iter_rules():
        _check(rule.rule)
    app.url_map.add = checked_add  # type: ignore[method-assign, assignment]


def _check(path: str) -> None:
    if is_operation(path):
        raise TelemetryError(
            f"The application has a view at {path}, where alertdrill_telemetry answers: move the"
            " view, remove the application's own exporter, or set OPS_PORT, so that the operations"
            " endpoints have a port of their own."
        )
