"""Applications with views of their own at the operations paths, and with an exporter of their own.

They can be instrumented only where operations have a port of their own.
"""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

from tests.foreign.cases import Application, Instrument, get


def with_views(*paths: str) -> Flask:
    """Return an application that serves these paths itself."""
    app = Flask(__name__)
    for number, path in enumerate(("/", *paths)):
        app.add_url_rule(path, f"view{number}", own_view)
    return app


def own_view() -> ResponseReturnValue:
    return f"the application's own {request.path}"


def create_metrics(instrument: Instrument) -> Flask:
    return instrument(with_views("/metrics"))


def create_probe(instrument: Instrument) -> Flask:
    return instrument(with_views("/healthz"))


def create_exporter(instrument: Instrument) -> Flask:
    from prometheus_flask_exporter import PrometheusMetrics

    app = with_views()
    PrometheusMetrics(app)
    return instrument(app)


def create_all(instrument: Instrument) -> Flask:
    return instrument(with_views("/metrics", "/healthz", "/readyz", "/faults"))


CASES = [
    get("home", "/"),
    get("metrics", "/metrics"),
    get("healthz", "/healthz"),
    get("readyz", "/readyz"),
    get("faults", "/faults"),
    get("missing", "/metrics/x", status=404),
]
METRICS = Application(create_metrics, [])
PROBE = Application(create_probe, [])
EXPORTER = Application(create_exporter, [])
ALL = Application(create_all, CASES)
