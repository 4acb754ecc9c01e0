"""A spike load that missed one objective and scaled the service out."""

from __future__ import annotations

from alertdrill.clients.prometheus import Line
from alertdrill.load.capacity import Capacity, CapacityStep
from alertdrill.load.gates import evaluate_gates
from alertdrill.load.locust import LocustStats, RequestStats
from alertdrill.load.measurements import Event, TimeSpan
from alertdrill.load.profile import load_profile
from alertdrill.load.report import Report
from alertdrill.load.run import Measurement
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

BEGAN, SECONDS = 1_800_000_000.0, 360
PROFILE = load_profile("spike")
TIMES = [BEGAN + at for at in range(0, SECONDS, 5)]


def _line(value: float, spike: float, **labels: str) -> Line:
    points = [(at, spike if 90 < at - BEGAN < 270 else value) for at in TIMES]
    return Line(labels, points)


def report(*, failures: int = 900) -> Report:
    """Return a report with this number of failures."""
    locust = LocustStats(
        RequestStats(25_000, failures, 1.4),
        {
            ("POST", "/process"): RequestStats(24_000, failures, 1.4),
            ("GET", "/<b>"): RequestStats(1_000, 0, None),
        },
        {int(at): 24 if not 90 < at - BEGAN < 270 else 118 for at in TIMES},
        {int(BEGAN) + 95: 12} if failures else {},
    )
    prometheus = RequestStats(25_072, failures, 1.2)
    return Report(
        profile=PROFILE,
        users=120,
        began=BEGAN,
        ended=BEGAN + SECONDS,
        runtime="native",
        locust=locust,
        prometheus=prometheus,
        gates=evaluate_gates(PROFILE, (120, SECONDS), locust.total, prometheus),
        time_series={
            "requests per second": [_line(24, 115)],
            "failed per second": [_line(0, 2)],
            "p95, seconds": [_line(0.02, 1.2)],
            "p95 of the service, seconds": [_line(0.02, 0.1)],
            "instances": [_line(2, 4, service="web"), _line(2, 2, service="data-service")],
        },
        events=[
            Event("alert", "Saturated web", BEGAN + 160, BEGAN + 250),
            Event("action", "scale out web", BEGAN + 175, BEGAN + 177),
            Event("alert", "Overprovisioned <web>", BEGAN + 330, None),
        ],
    )


def step(users: int, *, holds: bool) -> CapacityStep:
    """Return a 10 s search step with 2 instances of web and 1 of data-service."""
    numbers = RequestStats(10 * users, 0, 0.1 if holds else 0.9)
    checks = evaluate_gates(load_profile("capacity"), (users, 15.0), numbers, numbers)
    measurement = Measurement(
        TimeSpan(BEGAN, BEGAN + 10), LocustStats(numbers, {}, {}, {}), numbers, checks
    )
    return CapacityStep(users, 10.0, measurement, {"web": 2, "data-service": 1})


def capacity_of(*, passed: int, missed: int) -> Capacity:
    """Return the capacity from a search of at most two steps; 0 leaves a step out."""
    steps = [step(users, holds=users == passed) for users in (passed, missed) if users]
    return Capacity(load_profile("capacity"), BEGAN, "native", steps, 800)


def native(*instances: str) -> FakeRuntime:
    """Return a native runtime with these instances."""
    runtime = FakeRuntime()
    runtime.name = "native"
    runtime.running = [instance(name) for name in instances]
    runtime.urls = {"lb": "http://127.0.0.1:8080/", "prometheus": "http://127.0.0.1:9090"}
    return runtime
