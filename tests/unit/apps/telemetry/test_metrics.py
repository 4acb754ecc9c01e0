from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.openmetrics.exposition import generate_latest

from apps.telemetry import context
from apps.telemetry.clock import Clock
from apps.telemetry.metrics import EXPORTER_METRICS, CallbackGauge, Metrics


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def names(metrics: Metrics) -> dict[str, tuple[str, ...]]:
    """Return the labels of every declared metric, by the name its samples begin with."""
    collectors: set[Any] = set(metrics.registry._names_to_collectors.values())
    computed = {c.name: c.labels for c in collectors if isinstance(c, CallbackGauge)}
    kept = {c._name: tuple(c._labelnames) for c in collectors if hasattr(c, "_labelnames")}
    return computed | kept


def test_contract_names_its_labels(metrics: Metrics) -> None:
    assert names(metrics) == {
        "http_requests_in_flight": (),
        "http_client_request_duration_seconds": ("peer", "method", "status"),
        "circuit_breaker_open": ("peer",),
        "log_records": ("level",),
        "fault_active": ("kind",),
        "app_info": ("service", "version"),
        "app_clock_seconds": (),
        "fault_series": ("number",),
    }


def test_two_applications_share_no_registry(metrics: Metrics) -> None:
    metrics.in_flight.inc()
    assert Metrics().registry.get_sample_value("http_requests_in_flight") == 0


def test_process_metrics_are_exposed(metrics: Metrics) -> None:
    value = metrics.registry.get_sample_value
    assert (value("process_resident_memory_bytes") or 0) > 1_000_000
    assert (value("process_start_time_seconds") or 0) > 0


def test_service_declares_its_own(metrics: Metrics) -> None:
    metrics.counter("rows_total", "Rows read.", ("table",)).labels(table="a").inc(2)
    metrics.gauge("depth", "Depth of the queue.").set(3)
    metrics.histogram("size_bytes", "Size.", buckets=(1, 10)).observe(5)
    value = metrics.registry.get_sample_value
    assert value("rows_total", {"table": "a"}) == 2
    assert value("depth") == 3
    assert value("size_bytes_bucket", {"le": "10.0"}) == 1


def test_clock_is_read_at_the_scrape() -> None:
    seconds = iter([1000.0, 1005.0])
    metrics = Metrics(clock=Clock(real=lambda: next(seconds)))
    assert metrics.registry.get_sample_value("app_clock_seconds") == 1000
    assert metrics.registry.get_sample_value("app_clock_seconds") == 1005


def test_callback_gauge_reads_its_samples(metrics: Metrics) -> None:
    depths = {"a": 2.0}
    metrics.callback_gauge("depth", "Depth.", ("of",), lambda: [((k,), depths[k]) for k in depths])
    assert metrics.registry.get_sample_value("depth", {"of": "a"}) == 2
    assert "depth" in generate_latest(metrics.registry).decode()
    depths.clear()
    assert "depth" not in generate_latest(metrics.registry).decode()


def test_no_created_series_are_shown(metrics: Metrics) -> None:
    metrics.log_records.labels(level="INFO").inc()
    metrics.client_duration.labels(peer="p", method="GET", status="200").observe(1)
    assert "_created" not in generate_latest(metrics.registry).decode()


def test_observation_carries_its_trace(metrics: Metrics) -> None:
    request_context = context.accept(None, None)
    token = context._current.set(request_context)
    metrics.client_duration.labels(peer="p", method="GET", status="200").observe(1)
    context._current.reset(token)
    assert (
        f'# {{trace_id="{request_context.trace_id}"}} 1.0'
        in generate_latest(metrics.registry).decode()
    )


def test_observation_without_trace_has_none(metrics: Metrics) -> None:
    metrics.client_duration.labels(peer="p", method="GET", status="200").observe(1)
    assert "trace_id" not in generate_latest(metrics.registry).decode()


def test_exporter_names_are_the_contracts() -> None:
    assert set(EXPORTER_METRICS) >= {
        "flask_http_request_duration_seconds",
        "flask_http_request_total",
        "flask_http_request_exceptions_total",
    }
