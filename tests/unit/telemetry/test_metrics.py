from __future__ import annotations

from typing import Any

import pytest

from alertdrill_telemetry.metrics import CallbackGauge, Metrics


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
        "access_log_lines": (),
        "http_connections_open": ("protocol",),
        "http_requests_in_flight": (),
        "http_client_request_duration_seconds": ("peer", "method", "status"),
        "circuit_breaker_open": ("peer",),
        "log_configuration_repairs": (),
        "log_lines_lost": (),
        "log_records": ("level",),
        "fault_active": ("kind",),
        "app_info": ("service", "version"),
        "app_clock_seconds": (),
        "fault_series": ("number",),
    }


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
