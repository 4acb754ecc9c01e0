"""Count requests and answer `/metrics`, through prometheus-flask-exporter."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import prometheus_flask_exporter
from flask import Flask, Request, g, request
from prometheus_client import CollectorRegistry, multiprocess
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_flask_exporter import PrometheusMetrics

from .drain import DrainState
from .metrics import BUCKETS, ComputedGauge, Metrics, TracedHistogram, multiprocess_dir
from .operations import OPERATIONS_PATHS, is_operation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNMATCHED = "unmatched"
# RFC 9110 and RFC 5789. Any other method becomes one value, as in OpenTelemetry's
# http.request.method, for the method is a label and a client chooses it.
METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
)
OTHER_METHOD = "_OTHER"

# The exporter has no setting for the class of its histogram (0.23), and its own has no exemplars.
prometheus_flask_exporter.Histogram = TracedHistogram


def url_rule(asked: Request) -> str:
    """Return the route that a request matched; the function's name is the label's."""
    return asked.url_rule.rule if asked.url_rule else UNMATCHED


class ContractExporter(PrometheusMetrics):  # type: ignore[misc]
    """The exporter with our labels, and with the memory and CPU of every worker."""

    drain: DrainState
    computed: list[ComputedGauge]

    def generate_metrics(
        self, accept_header: str | None = None, names: list[str] | None = None
    ) -> tuple[str, str]:
        """Return the exposition and its content type; in OpenMetrics it has exemplars."""
        self.drain.scraped()
        registry = self.registry
        if shared := multiprocess_dir():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(shared))
            for collector in (WorkerProcesses(shared), *self.computed):
                registry.register(collector)
        if names:
            registry = registry.restricted_registry(names)
        encode, content_type = choose_encoder(accept_header or "")
        return encode(registry).decode(), content_type


class WorkerProcesses(Collector):
    """The process metrics of all live workers added up, as one process would show them."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared

    def collect(self) -> Iterable[Metric]:
        """Sum each metric over the workers; the start time is the earliest."""
        combined: dict[str, Metric] = {}
        for pid in self._pids():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                known = combined.setdefault(metric.name, metric)
                if known is not metric:
                    _add(known, metric)
        return combined.values()

    def _pids(self) -> list[int]:
        # A worker makes this file at its start; the arbiter removes it when the worker is gone.
        return [int(file.stem.split("_")[-1]) for file in self._shared.glob("gauge_livesum_*.db")]


def _add(total: Metric, more: Metric) -> None:
    combine = min if total.name == "process_start_time_seconds" else operator.add
    total.samples = [
        mine._replace(value=combine(mine.value, theirs.value))
        for mine, theirs in zip(total.samples, more.samples, strict=True)
    ]


def init_app(app: Flask, metrics: Metrics, drain: DrainState) -> None:
    """Serve `/metrics` and measure every request that is not an operation."""
    app.wsgi_app = _fold_methods(app.wsgi_app)  # type: ignore[assignment, method-assign]
    _track_in_flight(app, metrics, drain)
    exporter = ContractExporter(
        app,
        group_by=url_rule,
        buckets=BUCKETS,
        registry=metrics.registry,
        excluded_paths=[f"{path}(/|$)" for path in OPERATIONS_PATHS],
    )
    exporter.drain = drain
    exporter.computed = metrics.computed


def _fold_methods(serve: WSGIApplication) -> WSGIApplication:
    def folded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in METHODS:
            environ["REQUEST_METHOD"] = OTHER_METHOD
        return serve(environ, start_response)

    return folded


def _track_in_flight(app: Flask, metrics: Metrics, drain: DrainState) -> None:
    @app.before_request
    def enter() -> None:
        if not is_operation(request.path):
            metrics.in_flight.inc()
            drain.change_in_flight(1)
            g.in_flight = True

    @app.teardown_request
    def leave(_error: Any) -> None:
        if g.pop("in_flight", False):
            metrics.in_flight.dec()
            drain.change_in_flight(-1)
