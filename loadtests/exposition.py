"""Locust's live numbers as Prometheus scrapes them, in its text format, and who serves them."""

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

# The bounds of web's own histogram, in seconds: then both can be laid over each other.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MS = 1000.0
# Who was scraped waits so long at its end for one more scrape: an interval (5 s), and a second.
LAST_SCRAPE = 6.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# The name, the kind and what it says of each metric, in the order in which they are shown.
METRICS = {
    "locust_requests_total": ("counter", "Requests that were answered or failed, by request."),
    "locust_failures_total": ("counter", "Requests that failed, by request."),
    "locust_response_time_seconds": ("histogram", "From the request to its answer, by request."),
    "locust_users": ("gauge", "Clients that run now."),
    "locust_requests_per_second": ("gauge", "Requests a second over the last ten seconds."),
}

Sample = tuple[str, Mapping[str, str], float]


def text(runner: Runner) -> str:
    """Return everything, as https://prometheus.io/docs/instrumenting/exposition_formats/ says."""
    found = dict.fromkeys(METRICS, "")
    for name, (suffix, labels, value) in _samples(runner):
        found[name] += f"{name}{suffix}{_written(labels)} {value:g}\n"
    return "".join(
        f"# HELP {name} {says}\n# TYPE {name} {kind}\n{found[name]}"
        for name, (kind, says) in METRICS.items()
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


def _written(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Exporter:
    """Answers `GET /metrics` for a runner, and knows whether anybody asks."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._scraped = Event()
        self._asked = False

    def page(self) -> tuple[str, int, dict[str, str]]:
        """Return the numbers, the status and the headers, as Flask takes them."""
        self._asked = True
        self._scraped.set()
        return text(self._runner), 200, {"Content-Type": CONTENT_TYPE}

    def wsgi(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application, where there is no page of Locust's to add to.

        What asks for the start page wants to know whether it is there, as a health check does.
        """
        if environ["PATH_INFO"] != "/metrics":
            status = "200 OK" if environ["PATH_INFO"] == "/" else "404 Not Found"
            start_response(status, [("Content-Type", "text/plain")])
            return [b"The numbers are at /metrics.\n"]
        page, _, headers = self.page()
        start_response("200 OK", list(headers.items()))
        return [page.encode()]

    def await_last_scrape(self, **_: Any) -> None:
        """Return once the last numbers are scraped; at once if none were ever scraped."""
        if self._asked:
            self._scraped.clear()
            self._scraped.wait(LAST_SCRAPE)
            gevent.sleep(0)  # the answer itself still has to leave


def serve(environment: Environment, **_: Any) -> None:
    """Offer the numbers: on Locust's page, or at `LOCUST_METRICS_PORT` where there is none.

    Workers offer none: their master adds them up.
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
