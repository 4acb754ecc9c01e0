from __future__ import annotations

import os
import random
import string
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from alertdrill_telemetry.drain import DrainState
from alertdrill_telemetry.exporter import WorkerFiles
from alertdrill_telemetry.metrics import EXPORTER_METRICS

DURATION = "flask_http_request_duration_seconds_count"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
Series = set[tuple[str, frozenset[tuple[str, str]]]]


@pytest.fixture
def registry(app: Flask) -> CollectorRegistry:
    registry = app.extensions["telemetry"].metrics.registry
    assert isinstance(registry, CollectorRegistry)
    return registry


def series(client: FlaskClient) -> Series:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in families
        for sample in family.samples
    }


def duration(registry: CollectorRegistry, method: str, url_rule: str, status: str) -> float | None:
    labels = {"method": method, "url_rule": url_rule, "status": status}
    return registry.get_sample_value(DURATION, labels)


def total(registry: CollectorRegistry, name: str, method: str, status: str) -> float | None:
    return registry.get_sample_value(name, {"method": method, "status": status})


@pytest.mark.parametrize(
    ("request_line", "url_rule", "status"),
    [
        ("GET /items/7", "/items/<int:number>", "200"),
        ("HEAD /items/7", "/items/<int:number>", "200"),
        ("GET /items/x", "unmatched", "404"),
        ("DELETE /items/7", "unmatched", "405"),
        ("POST /parse", "/parse", "415"),
    ],
)
def test_request_is_counted_by_rule(
    client: FlaskClient, registry: CollectorRegistry, request_line: str, url_rule: str, status: str
) -> None:
    method, path = request_line.split()
    for _ in range(2):
        client.open(path, method=method)
    assert duration(registry, method, url_rule, status) == 2
    assert total(registry, "flask_http_request_total", method, status) == 2


def test_exception_is_counted_once(client: FlaskClient, registry: CollectorRegistry) -> None:
    client.get("/fail")
    assert total(registry, "flask_http_request_exceptions_total", "GET", "500") == 1
    assert total(registry, "flask_http_request_total", "GET", "500") == 1
    assert duration(registry, "GET", "/fail", "500") == 1


def test_random_requests_add_no_series(client: FlaskClient) -> None:
    chance = random.Random(1)  # the same addresses in every run
    letters = string.ascii_letters + string.digits + "//%.-_~:é\x00\n'\"{}"
    client.get("/start")
    client.open("/start", method="START")
    before = series(client)
    for _ in range(1000):
        client.get("/a" + quote("".join(chance.choices(letters, k=chance.randint(1, 40)))))
    for _ in range(200):
        client.open("/start", method="".join(chance.choices(string.ascii_uppercase, k=12)))
    assert series(client) - before == set()


def test_unknown_methods_share_one_label(client: FlaskClient, registry: CollectorRegistry) -> None:
    for method in ("BREW", "get", "X"):  # Flask routes any case
        client.open("/items/7", method=method)
    assert duration(registry, "_OTHER", "unmatched", "405") == 2
    assert duration(registry, "_OTHER", "/items/<int:number>", "200") == 1


def test_operations_are_not_counted(client: FlaskClient, operator: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/faults", "/faults/x"):
        client.get(path)
        operator.get(path)
    exported = {name for name, _ in series(client) if name.startswith(EXPORTER_METRICS)}
    assert exported <= {"flask_exporter_info"}


def in_flight() -> float:
    """Return the requests in flight as another worker of this instance sees them."""
    return DrainState(worker=os.getpid() + 1).in_flight()


def test_requests_in_flight_are_shown(app: Flask, registry: CollectorRegistry) -> None:
    seen: list[float | None] = []

    def look() -> str:
        seen.append(registry.get_sample_value("http_requests_in_flight"))
        seen.append(in_flight())
        return ""

    app.add_url_rule("/look", "look", look)
    app.test_client().get("/look")
    assert seen == [1, 1]


@pytest.mark.parametrize("path", ["/items/7", "/fail", "/nowhere", "/metrics", "/readyz"])
def test_nothing_stays_in_flight(
    client: FlaskClient, registry: CollectorRegistry, path: str
) -> None:
    client.get(path)
    assert registry.get_sample_value("http_requests_in_flight") == 0
    assert in_flight() == 0


def test_streamed_answer_is_in_flight(app: Flask, registry: CollectorRegistry) -> None:
    def stream() -> Iterator[str]:
        yield "a"
        yield "b"

    app.add_url_rule("/stream", "stream", stream)
    assert app.test_client().get("/stream").text == "ab"
    assert registry.get_sample_value("http_requests_in_flight") == 0


def test_openmetrics_shows_the_trace(client: FlaskClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    client.get("/items/7", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    answer = client.get("/metrics", headers=OPENMETRICS)
    assert answer.content_type.startswith("application/openmetrics-text")
    (line,) = [line for line in answer.text.splitlines() if "trace_id" in line]
    assert line.startswith("flask_http_request_duration_seconds_bucket")
    assert f'# {{trace_id="{trace}"}}' in line
    assert answer.text.endswith("# EOF\n")


def test_only_metrics_of_the_application_have_the_time_of_their_creation(
    client: FlaskClient,
) -> None:
    client.get("/items/7")
    registry = CollectorRegistry()
    own = Counter("own_total", "Of the application.", registry=registry)
    own.inc()
    REGISTRY.register(registry)
    try:
        text = client.get("/metrics", headers=OPENMETRICS).text
    finally:
        REGISTRY.unregister(registry)
    created = [line.split(" ")[0] for line in text.splitlines() if "_created" in line]
    assert created == ["own_created"]


def test_plain_text_is_the_default(client: FlaskClient) -> None:
    client.get("/items/7")
    answer = client.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert "trace_id" not in answer.text
    assert "_created" not in answer.text


def test_scrape_can_select_metrics(client: FlaskClient) -> None:
    client.get("/items/7")
    text = client.get("/metrics?name[]=flask_http_request_total").text
    assert {line.split("{")[0] for line in text.splitlines() if line[0] != "#"} == {
        "flask_http_request_total"
    }


@pytest.mark.parametrize("name", ["app_clock_seconds", "fault_series"])
def test_callback_gauge_is_read_at_the_scrape(
    client: FlaskClient, operator: FlaskClient, name: str
) -> None:
    operator.put("/faults/cardinality", json={"series": 3})
    lines = client.get(f"/metrics?name[]={name}").text.splitlines()
    assert {line.split("{")[0].split()[0] for line in lines if line[0] != "#"} == {name}


def test_scrape_is_recorded(client: FlaskClient) -> None:
    assert DrainState().last_scrape() == 0
    client.get("/metrics")
    assert DrainState().last_scrape() > 0


def test_file_of_a_starting_worker_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").touch()
    assert list(WorkerFiles(tmp_path).collect()) == []
