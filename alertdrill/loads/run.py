"""Make a load and measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.counters import scraped_since
from ..drills.clients import Prometheus
from ..runtimes import Runtime
from . import conserved, observed, recovery, stats
from .errors import LoadError
from .marks import Mark
from .observed import Span
from .plan import Plan
from .report import Report
from .stats import Numbers, Stats
from .verdict import Check, judge

# What Prometheus may take to scrape once more, in scrape intervals.
PATIENCE = 5
STEP = 0.2


@dataclass(frozen=True)
class Size:
    """How many clients there are at most, and for how many seconds."""

    users: int
    seconds: float


# Makes a load of a shape and size, leaves Locust's page in a file, and returns its JSON.
Make = Callable[[Plan, Size, Path], str]


@dataclass(frozen=True)
class Measured:
    """What was counted of a load, and when it was there."""

    span: Span
    locust: Stats
    prometheus: Numbers
    checks: Sequence[Check]


@dataclass(frozen=True)
class Ground:
    """Where a load is made: what makes it, and what is asked about it.

    `min_replicas` are the instances of each service that there are at least; `happened` returns the
    marks of a span.
    """

    make: Make
    runtime: Runtime
    prometheus: Prometheus
    min_replicas: Mapping[str, int]
    happened: Callable[[Span], Sequence[Mark]]


def run(plan: Plan, size: Size, ground: Ground, folder: Path) -> Report:
    """Make the load, wait until all of it was scraped, and judge it.

    Raises `LoadError` where Locust did not run, and what `Prometheus` raises where it is away.
    """
    prometheus, runtime = ground.prometheus, ground.runtime
    lines: int | None = None
    if runtime.follows_new_instances:
        with conserved.counting(runtime) as counter:
            measured = measure(plan, size, ground, folder)
        lines = counter.lines
    else:
        measured = measure(plan, size, ground, folder)
    span, sent = measured.span, measured.locust.requests
    courses = observed.courses(prometheus, span)
    recovered = recovery.checks(plan, span, prometheus, (courses["instances"], ground.min_replicas))
    alike = conserved.check(conserved.counts(prometheus, span, sent, lines))
    return Report(
        plan=plan,
        users=size.users,
        began=span.begin,
        ended=span.end,
        runtime=runtime.name,
        locust=measured.locust,
        prometheus=measured.prometheus,
        checks=[*measured.checks, *recovered, alike],
        courses=courses,
        marks=ground.happened(span),
    )


def measure(plan: Plan, size: Size, ground: Ground, folder: Path) -> Measured:
    """Make the load, wait until all of it was scraped, and hold it against its objectives."""
    began = time.time()
    counted = stats.read(ground.make(plan, size, folder / "locust.html"))
    span = Span(began + plan.warmup, time.time())
    _await_scrape(ground.prometheus, span.end)
    seen = observed.numbers(ground.prometheus, span)
    checks = judge(plan, (size.users, size.seconds), counted.total, seen)
    return Measured(span, counted, seen, checks)


def _await_scrape(prometheus: Prometheus, after: float) -> None:
    deadline = time.monotonic() + PATIENCE * prometheus.scrape_interval()
    scraped = f"max(timestamp({observed.REQUESTS}))"
    while (prometheus.value(scraped) or 0.0) <= after or not scraped_since(prometheus, after):
        if time.monotonic() > deadline:
            raise LoadError("Prometheus does not scrape all that served: see its targets.")
        time.sleep(STEP)
