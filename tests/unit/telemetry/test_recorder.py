"""Requests are counted together; every reader of the metrics sees all of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from alertdrill_telemetry.recorder import MAX_PENDING
from tests.unit.telemetry.observed import Shop

Lines = Callable[[], list[dict[str, Any]]]
REQUESTS = 2 * MAX_PENDING + 7


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.app.add_url_rule("/", view_func=lambda: "fine")
    return shop


def test_concurrent_requests_are_all_counted(shop: Shop, lines: Lines) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: shop.get("/"), range(REQUESTS)))
    assert shop.total("200") == shop.durations("/") == REQUESTS
    assert shop.value("access_log_lines_total") == REQUESTS
    assert shop.value("log_records_total", level="INFO") == len(lines()) == REQUESTS
    assert shop.duration("/") > 0


@pytest.mark.parametrize(
    "name",
    [
        "flask_http_request_total",
        "flask_http_request_duration_seconds_count",
        "access_log_lines_total",
        "log_records_total",
    ],
)
def test_selection_of_a_registry_has_the_latest_request(shop: Shop, name: str) -> None:
    shop.get("/")
    (metric,) = shop.registry.restricted_registry([name]).collect()
    assert sum(sample.value for sample in metric.samples) == 1


def test_selection_of_a_registry_ends_responses_that_no_server_closes(shop: Shop) -> None:
    environ = EnvironBuilder("/").get_environ() | {"SERVER_SOFTWARE": "test"}
    shop.app(environ, lambda *_: lambda _: None)
    (metric,) = shop.registry.restricted_registry(["http_requests_in_flight"]).collect()
    assert [sample.value for sample in metric.samples] == [0]


def test_memory_of_pending_requests_is_bounded(shop: Shop) -> None:
    total = shop.telemetry.exporter.total
    for _ in range(REQUESTS):
        shop.get("/")
    assert REQUESTS - total.labels("GET", "200")._value.get() < MAX_PENDING


def test_line_that_cannot_be_written_is_not_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> int:
        raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        assert shop.get("/").status == 200
    assert (shop.total("200"), shop.value("access_log_lines_total")) == (1, 0)


def test_slow_request_is_the_exemplar_of_its_bucket(shop: Shop) -> None:
    def slow() -> str:
        time.sleep(0.12)
        return "late"

    shop.app.add_url_rule("/slow", view_func=slow)
    for path in ("/", "/slow", "/slow"):
        shop.get(path)
    text, _ = shop.telemetry.exporter.generate_metrics("application/openmetrics-text")
    (bucket,) = (line for line in text.splitlines() if 'url_rule="/slow"' in line and "#" in line)
    assert 'le="0.25"' in bucket


def test_untracked_view_is_not_counted(shop: Shop, lines: Lines) -> None:
    @shop.app.get("/ping")
    @shop.telemetry.exporter.do_not_track()
    def ping() -> str:
        return "pong"

    shop.get("/ping")
    assert (shop.total("200"), shop.durations("/ping")) == (0, 0)
    assert [line["path"] for line in lines()] == ["/ping"]
