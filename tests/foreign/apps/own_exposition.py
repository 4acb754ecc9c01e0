"""An application that shows a registry of its own on a page of its own."""

from __future__ import annotations

import prometheus_client
from flask import Flask, Response
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, Counter

from tests.foreign.cases import Application, Instrument, get

# The time when the counter was made; its number of digits varies.
CREATED = {"created": r"visits_created ([0-9.e+]+)", "length": r"Content-Length: (\d+)"}


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    registry = CollectorRegistry()
    visits = Counter("visits_total", "Visits.", registry=registry)

    @app.get("/visit")
    def visit() -> ResponseReturnValue:
        visits.inc()
        return "visited"

    @app.get("/own-metrics")
    def own_metrics() -> ResponseReturnValue:
        page = prometheus_client.generate_latest(registry)
        return Response(page, content_type=prometheus_client.CONTENT_TYPE_LATEST)

    return instrument(app)


APPLICATION = Application(
    create,
    [get("visit", "/visit"), get("page", "/own-metrics", random=CREATED)],
    keeps_state=True,
)
