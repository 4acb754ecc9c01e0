"""Expose Locust's statistics as Prometheus metrics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import Runner, WorkerRunner
from locust.stats import StatsEntry

# The bounds of web's own histogram, in seconds, so that both can be compared.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MS = 1000.0
# At its end a scraped runner waits up to this time for one more scrape: an interval (5 s) and 1 s.
LAST_SCRAPE_TIMEOUT_S = 6.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Name, type and help text of each metric, in the order of the page.
METRICS = {
    "locust_requests_total": ("counter", "Requests that got a response or failed, by request."),
    "locust_failures_total": ("counter", "Requests that failed, by request."),
    "locust_response_time_seconds": ("histogram", "Response time, by request."),
    "locust_users": ("gauge", "Running clients."),
    "locust_requests_per_second": ("gauge", "Requests per second over the last ten seconds."),
}

Sample = tuple[str, Mapping[str, str], float]


def text(runner: Runner) -> str:
    """Return all metrics: https://prometheus.io/docs/instrumenting/exposition_formats/."""
    lines = dict.fromkeys(METRICS, "")
    for name, (suffix, labels, value) in _samples(runner):
        lines[name] += f"{name}{suffix}{_format_labels(labels)} {value:g}\n"
    return "".join(
        f"# HELP {name} {description}\n# TYPE {name} {kind}\n{lines[name]}"
        for name, (kind, description) in METRICS.items()
    )


def _samples(runner: Runner) -> Iterator[tuple[str, Sample]]:
    for (name, method), entry in sorted(runner.stats.entries.items()):
        labels = {"method": method, "name": name}
        yield "locust_requests_total", ("", labels, entry.num_requests)
        yield "locust_failures_total", ("", labels, entry.num_failures)
        for sample in _histogram(entry, labels):
            yield "locust_response_time_seconds", sample
    yield "locust_users", ("", {}, runner.user_count)
    yield "locust_requests_per_second", ("", {}, runner.stats.total.current_rps)


def _histogram(entry: StatsEntry, labels: Mapping[str, str]) -> Iterator[Sample]:
    times = entry.response_times.items()
    for bound in BOUNDS:
        within = sum(count for at, count in times if at <= bound * MS)
        yield "_bucket", {**labels, "le": f"{bound:g}"}, within
    count = sum(count for _, count in times)
    yield "_bucket", {**labels, "le": "+Inf"}, count
    yield "_sum", labels, entry.total_response_time / MS
    yield "_count", labels, count


def _format_labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Exporter:
    """Serves `GET /metrics` for a runner, and records whether it is scraped."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._scraped = Event()
        self._ever_scraped = False

    def page(self) -> tuple[str, int, dict[str, str]]:
        """Return the metrics, the status and the headers, as a Flask view does."""
        self._ever_scraped = True
        self._scraped.set()
        return text(self._runner), 200, {"Content-Type": CONTENT_TYPE}

    def wsgi(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """Respond as a WSGI application, for a Locust without a web interface.

        The start page responds with 200, for health checks.
        """
        if environ["PATH_INFO"] != "/metrics":
            status = "200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found"
            start_response(status, [("Content-Type", "text/plain")])
            return [b"The metrics are at /metrics.\n"]
        page, _, headers = self.page()
        start_response("200 OK", list(headers.items()))
        return [page.encode()]

    def await_last_scrape(self, **_: Any) -> None:
        """Return once the last values are scraped; at once if none were ever scraped."""
        if self._ever_scraped:
            self._scraped.clear()
            self._scraped.wait(LAST_SCRAPE_TIMEOUT_S)
            gevent.sleep(0)  # let the server send the response


def serve(environment: Environment, **_: Any) -> None:
    """Serve /metrics on Locust's web interface, or at `LOCUST_METRICS_PORT` without one.

    Workers serve none: their master has the sum.
    """
    runner, port = environment.runner, os.environ.get("LOCUST_METRICS_PORT")
    if runner is None or isinstance(runner, WorkerRunner):
        return
    exporter = Exporter(runner)
    if environment.web_ui:
        environment.web_ui.app.add_url_rule("/metrics", view_func=exporter.page)
    elif port:
        host = os.environ.get("LOCUST_METRICS_HOST") or "127.0.0.1"
        WSGIServer((host, int(port)), exporter.wsgi, log=None).start()
        environment.events.quitting.add_listener(exporter.await_last_scrape)
