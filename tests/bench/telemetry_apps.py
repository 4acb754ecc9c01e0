"""One trivial Flask application, bare and with each kind of instrumentation.

Each function returns a WSGI application for a server of the benchmark.
"""

from __future__ import annotations

import logging
import sys
import time

from flask import Flask, g, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response


def bare() -> Flask:
    """Return the application without instrumentation."""
    app = Flask("bench", static_folder=None)

    @app.get("/items/<int:number>")
    def item(number: int) -> ResponseReturnValue:
        return {"number": number}

    return app


def ours() -> Flask:
    """Return it with alertdrill_telemetry, and everything switched on."""
    from alertdrill_telemetry import init_app

    app = bare()
    init_app(app, service="bench")
    return app


def exporter() -> Flask:
    """Return it with prometheus-flask-exporter and a JSON access log, as their pages show."""
    from prometheus_client import CollectorRegistry
    from prometheus_flask_exporter import PrometheusMetrics
    from pythonjsonlogger.json import JsonFormatter

    app = bare()
    PrometheusMetrics(app, group_by="url_rule", registry=CollectorRegistry())
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def write(response: Response) -> Response:
        fields = {
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "path": request.path,
            "status": response.status_code,
            "duration_ms": (time.perf_counter() - g.started) * 1000,
            "client": request.remote_addr,
        }
        log.info("request", extra=fields)
        return response

    return app


def opentelemetry() -> Flask:
    """Return it with OpenTelemetry's traces and metrics; nothing is exported."""
    from opentelemetry import metrics, trace
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    metrics.set_meter_provider(MeterProvider())
    trace.set_tracer_provider(TracerProvider())
    app = bare()
    FlaskInstrumentor().instrument_app(app)  # type: ignore[no-untyped-call]
    return app
