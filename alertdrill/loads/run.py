"""Run a load and measure it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audit.request_counters import all_scraped_since
from ..drills.clients import Prometheus
from ..runtimes import Runtime
from . import count_check, locust_stats, measurements, recovery
from .errors import LoadError
from .events import Event
from .gates import GateResult, evaluate_gates
from .locust_stats import LocustStats, RequestStats
from .measurements import TimeSpan
from .profile import LoadProfile
from .report import Report

# The timeout for one more scrape: five intervals of 5 s. It is not divided by the speed, because
# Prometheus discovers new instances once in 5 s at any speed.
SCRAPE_TIMEOUT_S = 25.0
POLL_INTERVAL_S = 0.2


@dataclass(frozen=True)
class LoadSize:
    """The maximum number of clients, and the duration in seconds."""

    users: int
    seconds: float


# Runs a load of a profile and size, writes Locust's report to a file, and returns its JSON.
LoadRunner = Callable[[LoadProfile, LoadSize, Path], str]


@dataclass(frozen=True)
class Measurement:
    """The measurements and gates of a load."""

    time_span: TimeSpan
    locust: LocustStats
    prometheus: RequestStats
    gates: Sequence[GateResult]


@dataclass(frozen=True)
class LoadContext:
    """The stack that a load runs on, and how to run it.

    `min_replicas` has the minimum number of instances of each service; `events_in` returns the
    events of a time span.
    """

    run_load: LoadRunner
    runtime: Runtime
    prometheus: Prometheus
    min_replicas: Mapping[str, int]
    events_in: Callable[[TimeSpan], Sequence[Event]]


def run(profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path) -> Report:
    """Run the load, wait until Prometheus scraped all of it, and evaluate the gates.

    The load starts after a scrape, so that requests before it don't count. Raises
    `LoadError` if Locust fails, and the errors of `Prometheus`.
    """
    prometheus, runtime = context.prometheus, context.runtime
    lines: int | None = None
    _await_scrape(prometheus, time.time())
    if runtime.follows_new_instances:
        with count_check.count_access_lines(runtime) as counter:
            measured = measure(profile, size, context, folder)
        lines = counter.lines
    else:
        measured = measure(profile, size, context, folder)
    span, sent = measured.time_span, measured.locust.requests
    time_series = measurements.query_time_series(prometheus, span)
    recovery_gates = recovery.recovery_gates(
        profile, span, prometheus, (time_series["instances"], context.min_replicas)
    )
    count_gate = count_check.check_counts(count_check.query_counts(prometheus, span, sent, lines))
    return Report(
        profile=profile,
        users=size.users,
        began=span.begin,
        ended=span.end,
        runtime=runtime.name,
        locust=measured.locust,
        prometheus=measured.prometheus,
        gates=[*measured.gates, *recovery_gates, count_gate],
        time_series=time_series,
        events=context.events_in(span),
    )


def measure(
    profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path
) -> Measurement:
    """Run the load, wait until Prometheus scraped all of it, and check the objectives."""
    began = time.time()
    locust = locust_stats.parse_stats(context.run_load(profile, size, folder / "locust.html"))
    span = TimeSpan(began + profile.warmup, time.time())
    _await_scrape(context.prometheus, span.end)
    counts = measurements.count_requests(context.prometheus, span)
    gates = evaluate_gates(profile, (size.users, size.seconds), locust.total, counts)
    return Measurement(span, locust, counts, gates)


def _await_scrape(prometheus: Prometheus, after: float) -> None:
    deadline = time.monotonic() + SCRAPE_TIMEOUT_S
    query = f"max(timestamp({measurements.REQUESTS}))"
    while (prometheus.value(query) or 0.0) <= after or not all_scraped_since(prometheus, after):
        if time.monotonic() > deadline:
            raise LoadError("Prometheus does not scrape every instance: check its targets.")
        time.sleep(POLL_INTERVAL_S)
