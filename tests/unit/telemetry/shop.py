"""An application for a real server: it has metrics of its own, and it fails in several ways."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, request
from prometheus_client import REGISTRY, Counter
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alertdrill_telemetry import init_app


class Stock(Collector):
    """A collector of its own, whose value is the same in every worker."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily("shop_stock", "Pieces.", value=7)


def create_app() -> Flask:
    app = Flask("shop", static_folder=None)
    telemetry = init_app(app, "shop")
    orders = Counter("shop_orders_total", "Orders.")
    REGISTRY.register(Stock())

    @app.get("/order")
    @telemetry.exporter.counter("shop_views_total", "Views, by a decorator of the exporter.")  # type: ignore[untyped-decorator]
    def order() -> str:
        orders.inc()
        return request.script_root

    @app.get("/slow")
    def slow() -> str:
        time.sleep(float(request.args["seconds"]))
        return ""

    @app.get("/broken")
    def broken() -> Response:
        def body() -> Iterator[str]:
            yield "a"
            raise ValueError("no more")

        return Response(body())

    @app.get("/short")
    def short() -> Response:
        return Response(iter("a"), headers={"Content-Length": "2"})

    @app.post("/upload")
    def upload() -> dict[str, int]:
        return {"bytes": len(request.get_data())}

    @app.post("/lines")
    def lines() -> list[str]:
        return [line.decode() for line in request.stream]

    @app.get("/text")
    def text() -> Response:
        body: list[Any] = [b"a"] * int(request.args["parts"]) + ["b"]
        return Response(body, direct_passthrough=True)

    @app.get("/large")
    def large() -> str:
        return "a" * 100_000

    @app.get("/environ")
    def environ() -> dict[str, str]:
        return {name: str(value) for name, value in request.environ.items()}

    @app.get("/events")
    def events() -> Response:
        def body() -> Iterator[str]:
            while True:
                yield "data: tick\n\n"
                time.sleep(0.05)

        return Response(body(), mimetype=request.args.get("type", "text/event-stream"))

    @app.teardown_request
    def teardown(_: object) -> None:
        if request.path == "/teardown":
            raise RuntimeError("broken teardown")

    app.add_url_rule("/teardown", view_func=lambda: "fine")
    return app
