"""A load that spiked, missed one objective and was scaled out."""

from __future__ import annotations

from alertdrill.drills.result import Line
from alertdrill.loads.capacity import Capacity, CapacityStep
from alertdrill.loads.events import Event
from alertdrill.loads.gates import evaluate_gates
from alertdrill.loads.locust_stats import LocustStats, RequestStats
from alertdrill.loads.measurements import TimeSpan
from alertdrill.loads.profile import load_profile
from alertdrill.loads.report import Report
from alertdrill.loads.run import Measurement

BEGAN, SECONDS = 1_800_000_000.0, 360
PLAN = load_profile("spike")
MOMENTS = [BEGAN + at for at in range(0, SECONDS, 5)]


def _line(value: float, spike: float, **labels: str) -> Line:
    points = [(at, spike if 90 < at - BEGAN < 270 else value) for at in MOMENTS]
    return Line(labels, points)


def report(*, failures: int = 900) -> Report:
    """Return a report with this number of failures."""
    locust = LocustStats(
        RequestStats(25_000, failures, 1.4),
        {
            ("POST", "/process"): RequestStats(24_000, failures, 1.4),
            ("GET", "/<b>"): RequestStats(1_000, 0, None),
        },
        {int(at): 24 if not 90 < at - BEGAN < 270 else 118 for at in MOMENTS},
        {int(BEGAN) + 95: 12} if failures else {},
    )
    prometheus = RequestStats(25_072, failures, 1.2)
    return Report(
        profile=PLAN,
        users=120,
        began=BEGAN,
        ended=BEGAN + SECONDS,
        runtime="native",
        locust=locust,
        prometheus=prometheus,
        gates=evaluate_gates(PLAN, (120, SECONDS), locust.total, prometheus),
        time_series={
            "requests per second": [_line(24, 115)],
            "failed per second": [_line(0, 2)],
            "p95, seconds": [_line(0.02, 1.2)],
            "p95 of web, seconds": [_line(0.02, 0.1)],
            "instances": [_line(2, 4, service="web"), _line(2, 2, service="data-service")],
        },
        events=[
            Event("alert", "Saturated web", BEGAN + 160, BEGAN + 250),
            Event("action", "scale out web", BEGAN + 175, BEGAN + 177),
            Event("alert", "Overprovisioned <web>", BEGAN + 330, None),
        ],
    )


def step(users: int, *, holds: bool) -> CapacityStep:
    """Return a step of a search of 10 s, with two instances of web and one of data-service."""
    numbers = RequestStats(10 * users, 0, 0.1 if holds else 0.9)
    checks = evaluate_gates(load_profile("capacity"), (users, 15.0), numbers, numbers)
    measured = Measurement(
        TimeSpan(BEGAN, BEGAN + 10), LocustStats(numbers, {}, {}, {}), numbers, checks
    )
    return CapacityStep(users, 10.0, measured, {"web": 2, "data-service": 1})


def found(*, passed: int, missed: int) -> Capacity:
    """Return what a search of two steps found; 0 is no such step."""
    steps = [step(users, holds=users == passed) for users in (passed, missed) if users]
    return Capacity(load_profile("capacity"), BEGAN, "native", steps, 800)
