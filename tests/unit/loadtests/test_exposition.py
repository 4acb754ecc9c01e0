from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import LocalRunner
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


def read(runner: LocalRunner) -> dict[tuple[str, str, str], float]:
    """Return the samples by name, request and bound, as Prometheus's parser reads them."""
    return {
        (sample.name, sample.labels.get("name", ""), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(exposition.Exporter(runner).page()[0])
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
        for family in text_string_to_metric_families(exposition.Exporter(runner).page()[0])
    }
    assert kinds["locust_requests"] == "counter"
    assert kinds["locust_response_time_seconds"] == "histogram"


def test_locusts_web_interface_serves_the_metrics(runner: LocalRunner) -> None:
    status: list[str] = []
    exporter = exposition.Exporter(runner)
    for path in ("/metrics", "/", "/other"):
        list(exporter.wsgi({"PATH_INFO": path}, lambda status_line, _: status.append(status_line)))
    assert status == ["200 OK", "200 OK", "404 Not Found"]
    page, code, headers = exporter.page()
    assert (code, page.startswith("# HELP")) == (200, True)
    assert headers["Content-Type"].startswith("text/plain; version=")


def test_health_check_is_not_a_scrape(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = exposition.Exporter(runner)
    list(exporter.wsgi({"PATH_INFO": "/"}, lambda *_: None))
    monkeypatch.setattr(exporter, "_scraped", None)  # waiting would fail
    exporter.await_last_scrape()


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


def test_workers_serve_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[WSGIServer] = []

    def start(server: WSGIServer) -> None:
        started.append(server)

    monkeypatch.setattr(WSGIServer, "start", start)
    monkeypatch.setenv("LOCUST_METRICS_PORT", "9")
    environment = Environment(user_classes=[])
    exposition.serve(environment)
    environment.create_local_runner()
    exposition.serve(environment)
    assert len(started) == 1
