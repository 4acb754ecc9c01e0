"""A load that spiked, missed one objective and was scaled out."""

from __future__ import annotations

from alertdrill.drills.result import Line
from alertdrill.loads.capacity import Capacity, Step
from alertdrill.loads.marks import Mark
from alertdrill.loads.observed import Span
from alertdrill.loads.plan import plan
from alertdrill.loads.report import Report
from alertdrill.loads.run import Measured
from alertdrill.loads.stats import Numbers, Stats
from alertdrill.loads.verdict import judge

BEGAN, SECONDS = 1_800_000_000.0, 360
PLAN = plan("spike")
MOMENTS = [BEGAN + at for at in range(0, SECONDS, 5)]


def _line(value: float, spike: float, **labels: str) -> Line:
    points = [(at, spike if 90 < at - BEGAN < 270 else value) for at in MOMENTS]
    return Line(labels, points)


def report(*, failures: int = 900) -> Report:
    """Return it with so many failures."""
    locust = Stats(
        Numbers(25_000, failures, 1.4),
        {
            ("POST", "/process"): Numbers(24_000, failures, 1.4),
            ("GET", "/<b>"): Numbers(1_000, 0, None),
        },
        {int(at): 24 if not 90 < at - BEGAN < 270 else 118 for at in MOMENTS},
        {int(BEGAN) + 95: 12} if failures else {},
    )
    prometheus = Numbers(25_072, failures, 1.2)
    return Report(
        plan=PLAN,
        users=120,
        began=BEGAN,
        ended=BEGAN + SECONDS,
        runtime="native",
        locust=locust,
        prometheus=prometheus,
        checks=judge(PLAN, (120, SECONDS), locust.total, prometheus),
        courses={
            "requests a second": [_line(24, 115)],
            "failed a second": [_line(0, 2)],
            "p95, seconds": [_line(0.02, 1.2)],
            "p95 of web, seconds": [_line(0.02, 0.1)],
            "instances": [_line(2, 4, service="web"), _line(2, 2, service="data-service")],
        },
        marks=[
            Mark("alert", "Saturated web", BEGAN + 160, BEGAN + 250),
            Mark("action", "scale out web", BEGAN + 175, BEGAN + 177),
            Mark("alert", "Overprovisioned <web>", BEGAN + 330, None),
        ],
    )


def step(users: int, *, holds: bool) -> Step:
    """Return a step of a search of 10 s, with two instances of web and one of data-service."""
    numbers = Numbers(10 * users, 0, 0.1 if holds else 0.9)
    checks = judge(plan("capacity"), (users, 15.0), numbers, numbers)
    measured = Measured(Span(BEGAN, BEGAN + 10), Stats(numbers, {}, {}, {}), numbers, checks)
    return Step(users, 10.0, measured, {"web": 2, "data-service": 1})


def found(*, held: int, missed: int) -> Capacity:
    """Return what a search of two steps found; 0 is no such step."""
    steps = [step(users, holds=users == held) for users in (held, missed) if users]
    return Capacity(plan("capacity"), BEGAN, "native", steps, 800)
