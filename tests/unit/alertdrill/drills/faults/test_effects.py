"""What a fault achieves is measured in raw metrics and on the host."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from alertdrill.drills.faults import Effect, Fault, host
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import poll_until

Make = Callable[..., Fault]


def answer(server: FakeServer, value: float) -> None:
    row = {"metric": {}, "value": [0, str(value)]}
    server.answers["/api/v1/query"] = {"data": {"resultType": "vector", "result": [row]}}


@pytest.mark.parametrize(
    ("kind", "parameters", "achieved", "target"),
    [
        ("cpu", {"load": 1.0}, 0.66, 0.98),
        ("memory", {"mib_per_second": 2.0, "mib": 256.0}, 9.0, 20.0),
        ("memory", {"mib_per_second": 2.0, "mib": 8.0}, 8.0, 8.0),
        ("log_flood", {"lines_per_second": 1000.0, "error_ratio": 0.0}, 700.0, 1000.0),
        ("cardinality", {"series": 2000.0}, 1990.0, 2000.0),
        ("latency", {"seconds": 0.6}, 0.7, 0.6),
    ],
)
def test_effect_of_a_service_is_what_prometheus_scraped(
    make: Make, runtime: Any, server: FakeServer, kind: str, parameters: Any, achieved: float,
    target: float,
) -> None:  # fmt: skip
    runtime.urls["prometheus"] = server.url
    answer(server, achieved)
    effect = make(kind, "web-1", **parameters).measure(time.time() - 10)
    assert effect
    assert effect.achieved == achieved
    assert effect.target == pytest.approx(target, rel=0.2)
    [request] = server.requests
    assert 'job="services", instance="web-1"' in request.query["query"]
    assert "[10s]" in request.query["query"]


def test_effect_on_a_service_is_that_of_its_instances(
    make: Make, runtime: Any, server: FakeServer
) -> None:
    runtime.urls["prometheus"] = server.url
    answer(server, 1.0)
    make("cpu", "data-service", load=1.0).measure(time.time() - 10)
    assert 'service="data-service"' in server.requests[0].query["query"]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("hang", {}), ("cpu", {}), ("errors", {"probability": 0.2}),
     ("latency", {"seconds": 0.6, "probability": 0.1})],
)  # fmt: skip
def test_what_is_not_measurable_has_no_effect(make: Make, kind: str, parameters: Any) -> None:
    assert make(kind, "web-1", **parameters).measure(time.time() - 10) is None


def test_repeated_fault_counts_its_calls(make: Make, runtime: Any) -> None:
    fault = make("kill", "web", every=0.05)
    since = time.time()
    fault.inject()
    poll_until(lambda: len(runtime.calls) >= 3, "three kills")
    fault.stop()
    effect = fault.measure(since)
    assert effect
    assert effect.achieved == len(runtime.calls)
    late = fault.measure(since - 60)
    assert late
    assert not late.reached


@pytest.mark.parametrize(("available", "reached"), [(7.2, True), (9.0, False)])
def test_memory_of_the_host_is_measured(
    make: Make, monkeypatch: pytest.MonkeyPatch, available: float, reached: bool
) -> None:
    memory = SimpleNamespace(total=100.0, available=available)
    monkeypatch.setattr(host, "psutil", SimpleNamespace(virtual_memory=lambda: memory))
    effect = make("memory_pressure", initial_available=0.13, available=0.07).measure(0.0)
    assert effect
    assert effect.target == pytest.approx(6.0)
    assert effect.reached == reached


def test_connections_of_slow_clients_are_measured(
    make: Make, runtime: Any, server: FakeServer
) -> None:
    runtime.urls["prometheus"] = server.url
    runtime.urls["lb"] = "http://127.0.0.1:1/"
    answer(server, 130.0)
    effect = make("slow_clients", heads=100, readers=100, duration=9.0).measure(0.0)
    assert effect == Effect(130.0, 200.0, "slow connections")
    assert not effect.reached
