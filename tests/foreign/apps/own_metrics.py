"""An application with metrics of its own, in the registry that prometheus_client has for all."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask
from flask.typing import ResponseReturnValue
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from tests.foreign.cases import Application, Case, Instrument, case, get


class WarehouseCollector(Collector):
    """A collector that asks something else at each scrape."""

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("warehouse_free_places", "Free places.", value=17)


def create(instrument: Instrument) -> Flask:
    app = Flask(__name__)
    orders = Counter("orders_total", "Orders.", ["kind"])
    size = Histogram("order_size", "Items of an order.", buckets=(1, 5, 10))
    stock = Gauge("stock", "Items in stock.", multiprocess_mode="livemax")
    REGISTRY.register(WarehouseCollector())

    @app.post("/orders/<kind>/<int:items>")
    def order(kind: str, items: int) -> ResponseReturnValue:
        orders.labels(kind).inc()
        size.observe(items)
        stock.set(5)
        return {"ordered": items}, 201

    return instrument(app)


def order(kind: str, items: int, number: int) -> Case:
    """Return a case that orders."""
    return case(f"order-{number}", "POST", f"/orders/{kind}/{items}", status=201)


APPLICATION = Application(
    create,
    [
        *(order("book", items, number) for number, items in enumerate((1, 2, 3, 20))),
        *(order("pen", 1, number) for number in range(4, 10)),
        get("missing", "/x", status=404),
    ],
    own_metrics={
        'orders_total{kind="book"}': 4,
        'orders_total{kind="pen"}': 6,
        'order_size_bucket{le="5.0"}': 9,
        'order_size_bucket{le="+Inf"}': 10,
        "order_size_sum": 32,
        "stock": 5,
    },
    # A collector of its own has no file that the workers share.
    own_metrics_of_one_worker={"warehouse_free_places": 17},
)
