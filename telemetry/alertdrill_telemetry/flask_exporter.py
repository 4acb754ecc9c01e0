"""Measure requests and serve `/metrics`, through prometheus-flask-exporter."""

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
from .metrics import BUCKETS, CallbackGauge, ExemplarHistogram, Metrics, multiprocess_dir
from .ops_endpoints import OPS_PATHS, is_ops_endpoint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

UNMATCHED = "unmatched"
# RFC 9110 and RFC 5789. All other methods become one value, as in OpenTelemetry's
# http.request.method: the method is a label, and the client chooses it.
METHODS = frozenset(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
)
OTHER_METHOD = "_OTHER"

# The exporter (0.23) has no setting for the class of its histogram, whose default has no exemplars.
prometheus_flask_exporter.Histogram = ExemplarHistogram


def url_rule(matched: Request) -> str:
    """Return the route of a request. The exporter uses this function's name as the label."""
    return matched.url_rule.rule if matched.url_rule else UNMATCHED


class FlaskMetricsExporter(PrometheusMetrics):  # type: ignore[misc]
    """The exporter with the contract's labels, and with memory and CPU of all workers."""

    drain: DrainState
    callback_gauges: list[CallbackGauge]

    def generate_metrics(
        self, accept_header: str | None = None, names: list[str] | None = None
    ) -> tuple[str, str]:
        """Return the exposition and its content type. OpenMetrics has exemplars."""
        self.drain.record_scrape()
        registry = self.registry
        if shared := multiprocess_dir():
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, str(shared))
            for collector in (WorkerProcesses(shared), *self.callback_gauges):
                registry.register(collector)
        if names:
            registry = registry.restricted_registry(names)
        encode, content_type = choose_encoder(accept_header or "")
        return encode(registry).decode(), content_type


class WorkerProcesses(Collector):
    """The process metrics of all live workers, summed as if they were one process."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared

    def collect(self) -> Iterable[Metric]:
        """Sum each metric over the workers; the start time is the earliest."""
        combined: dict[str, Metric] = {}
        for pid in self._pids():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                total = combined.setdefault(metric.name, metric)
                if total is not metric:
                    _add(total, metric)
        return combined.values()

    def _pids(self) -> list[int]:
        # A worker creates this file at its start. The arbiter deletes it after the worker's exit.
        return [int(file.stem.split("_")[-1]) for file in self._shared.glob("gauge_livesum_*.db")]


def _add(total: Metric, more: Metric) -> None:
    combine = min if total.name == "process_start_time_seconds" else operator.add
    total.samples = [
        ours._replace(value=combine(ours.value, theirs.value))
        for ours, theirs in zip(total.samples, more.samples, strict=True)
    ]


def init_app(app: Flask, metrics: Metrics, drain: DrainState) -> None:
    """Serve `/metrics` and measure every request except those to operations endpoints."""
    app.wsgi_app = _fold_methods(app.wsgi_app)  # type: ignore[assignment, method-assign]
    _track_in_flight(app, metrics, drain)
    exporter = FlaskMetricsExporter(
        app,
        group_by=url_rule,
        buckets=BUCKETS,
        registry=metrics.registry,
        excluded_paths=[f"{path}(/|$)" for path in OPS_PATHS],
    )
    exporter.drain = drain
    exporter.callback_gauges = metrics.callback_gauges


def _fold_methods(serve: WSGIApplication) -> WSGIApplication:
    def folded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in METHODS:
            environ["REQUEST_METHOD"] = OTHER_METHOD
        return serve(environ, start_response)

    return folded


def _track_in_flight(app: Flask, metrics: Metrics, drain: DrainState) -> None:
    @app.before_request
    def enter() -> None:
        if not is_ops_endpoint(request.path):
            metrics.in_flight.inc()
            drain.change_in_flight(1)
            g.in_flight = True

    @app.teardown_request
    def leave(_error: Any) -> None:
        if g.pop("in_flight", False):
            metrics.in_flight.dec()
            drain.change_in_flight(-1)
