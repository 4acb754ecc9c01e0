"""Expose Locust's statistics as Prometheus metrics."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import gevent
from flask import Flask, Response
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import Runner, WorkerRunner
from locust.stats import StatsEntry
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# The bounds of web's own histogram, in seconds, so that both can be compared.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MS = 1000.0
# At its end a scraped runner waits up to this time for one more scrape: an interval (5 s) and 1 s.
LAST_SCRAPE_TIMEOUT_S = 6.0
REQUEST = ("method", "name")


class Exporter(Collector):
    """Collects a runner's statistics at each scrape, and records whether it is scraped."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._scraped = Event()
        self._ever_scraped = False

    def page(self) -> Response:
        """Return the metrics, as a Flask view."""
        self._ever_scraped = True
        self._scraped.set()
        return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)

    def await_last_scrape(self, **_: Any) -> None:
        """Return once the last values are scraped; at once if none were ever scraped."""
        if self._ever_scraped:
            self._scraped.clear()
            self._scraped.wait(LAST_SCRAPE_TIMEOUT_S)
            gevent.sleep(0)  # let the server send the response

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        requests = CounterMetricFamily(
            "locust_requests", "Requests that got a response or failed, by request.", labels=REQUEST
        )
        failures = CounterMetricFamily(
            "locust_failures", "Requests that failed, by request.", labels=REQUEST
        )
        times = HistogramMetricFamily(
            "locust_response_time_seconds", "Response time, by request.", labels=REQUEST
        )
        for (name, method), entry in sorted(self._runner.stats.entries.items()):
            requests.add_metric([method, name], entry.num_requests)
            failures.add_metric([method, name], entry.num_failures)
            times.add_metric([method, name], _buckets(entry), entry.total_response_time / MS)
        yield from (requests, failures, times)
        yield GaugeMetricFamily("locust_users", "Running clients.", self._runner.user_count)
        yield GaugeMetricFamily(
            "locust_requests_per_second",
            "Requests per second over the last ten seconds.",
            self._runner.stats.total.current_rps,
        )


def _buckets(entry: StatsEntry) -> list[tuple[str, float]]:
    """Return the bounds and the number of response times up to each."""
    times = entry.response_times.items()
    limits = {f"{bound:g}": bound * MS for bound in BOUNDS} | {"+Inf": math.inf}
    return [(le, sum(n for at, n in times if at <= limit)) for le, limit in limits.items()]


def serve(environment: Environment, **_: Any) -> None:
    """Serve /metrics on Locust's web interface, or at `LOCUST_METRICS_PORT` without one.

    Workers serve none: their master has the sum.
    """
    runner, port = environment.runner, os.environ.get("LOCUST_METRICS_PORT")
    if runner is None or isinstance(runner, WorkerRunner):
        return
    exporter = Exporter(runner)
    app = environment.web_ui.app if environment.web_ui else Flask(__name__)
    app.add_url_rule("/metrics", view_func=exporter.page)
    if port and not environment.web_ui:
        app.add_url_rule("/", view_func=lambda: "The metrics are at /metrics.\n")  # health checks
        host = os.environ.get("LOCUST_METRICS_HOST") or "127.0.0.1"
        WSGIServer((host, int(port)), app, log=None).start()
        environment.events.quitting.add_listener(exporter.await_last_scrape)
