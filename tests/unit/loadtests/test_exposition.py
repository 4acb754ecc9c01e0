from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import pytest
from flask import Flask
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from loadtests import exposition


@pytest.fixture
def runner() -> Iterator[LocalRunner]:
    runner = Environment(user_classes=[]).create_local_runner()
    for time in (4, 90, 600):
        runner.stats.log_request("POST", "/process", time, 10)
    runner.stats.log_error("POST", "/process", "503")
    runner.stats.log_request("GET", 'a"b\\c\n', 30_000, 10)
    yield runner
    runner.quit()


def families(runner: LocalRunner) -> Iterable[Metric]:
    """Return the metrics as Prometheus's parser reads them."""
    page = exposition.Exporter(runner).page().get_data(as_text=True)
    return text_string_to_metric_families(page)


def read(runner: LocalRunner) -> dict[tuple[str, str, str], float]:
    """Return the samples by name, request and bound."""
    return {
        (sample.name, sample.labels.get("name", ""), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(
            exposition.Exporter(runner).page().get_data(as_text=True)
        )
        for sample in family.samples
    }


def test_requests_and_failures_are_counted(runner: LocalRunner) -> None:
    samples = read(runner)
    assert samples["locust_requests_total", "/process", ""] == 3
    assert samples["locust_failures_total", "/process", ""] == 1
    assert samples["locust_users", "", ""] == 0


def test_histogram_counts_every_response(runner: LocalRunner) -> None:
    samples = read(runner)
    bucket = {le: samples["locust_response_time_seconds_bucket", "/process", le]
              for le in ("0.005", "0.1", "0.5", "1", "+Inf")}  # fmt: skip
    assert bucket == {"0.005": 1, "0.1": 2, "0.5": 2, "1": 3, "+Inf": 3}
    assert samples["locust_response_time_seconds_count", "/process", ""] == 3
    assert samples["locust_response_time_seconds_sum", "/process", ""] == pytest.approx(0.694)


def test_special_characters_in_a_name_are_escaped(runner: LocalRunner) -> None:
    assert read(runner)["locust_response_time_seconds_bucket", 'a"b\\c\n', "10"] == 0


def test_page_declares_the_type_of_each_metric(runner: LocalRunner) -> None:
    kinds = {
        family.name: family.type
        for family in text_string_to_metric_families(
            exposition.Exporter(runner).page().get_data(as_text=True)
        )
    }
    assert kinds["locust_requests"] == "counter"
    assert kinds["locust_response_time_seconds"] == "histogram"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[WSGIServer]:
    """Record the servers that are started."""
    servers: list[WSGIServer] = []

    def start(server: WSGIServer) -> None:
        servers.append(server)

    monkeypatch.setattr(WSGIServer, "start", start)
    monkeypatch.setenv("LOCUST_METRICS_PORT", "9")
    return servers


def statuses(app: Flask) -> list[int]:
    client = app.test_client()
    return [client.get(path).status_code for path in ("/metrics", "/", "/other")]


def test_metrics_are_served_beside_a_start_page(
    runner: LocalRunner, started: list[WSGIServer]
) -> None:
    exposition.serve(runner.environment)
    [server] = started
    assert statuses(server.application) == [200, 200, 404]
    page = server.application.test_client().get("/metrics")
    assert page.text.startswith("# HELP")
    assert page.headers["Content-Type"].startswith("text/plain; version=")


def test_locusts_web_interface_serves_the_metrics(
    runner: LocalRunner, started: list[WSGIServer]
) -> None:
    runner.environment.web_ui = SimpleNamespace(app=Flask("locust"))
    exposition.serve(runner.environment)
    assert statuses(runner.environment.web_ui.app) == [200, 404, 404]
    assert started == []


def test_workers_serve_no_metrics(runner: LocalRunner, started: list[WSGIServer]) -> None:
    class Worker(WorkerRunner):  # type: ignore[misc]
        def __init__(self) -> None:
            """Connect to no master."""

        def __del__(self) -> None:
            """Count as no runner of Locust's own."""

    for other in (None, Worker()):
        exposition.serve(SimpleNamespace(runner=other, web_ui=None))
    assert started == []


def test_only_a_scraped_locust_waits_for_the_last_scrape(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    exporter = exposition.Exporter(runner)
    scraped = SimpleNamespace(set=lambda: None, clear=lambda: None, wait=waited.append)
    monkeypatch.setattr(exporter, "_scraped", scraped)
    exporter.await_last_scrape()
    assert waited == []
    exporter.page()
    exporter.await_last_scrape()
    assert waited == [exposition.LAST_SCRAPE_TIMEOUT_S]
