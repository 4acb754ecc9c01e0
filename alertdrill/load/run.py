"""Run a load on the current stack and measure it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..clients.prometheus import Prometheus
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback, StackRuntime
from . import gates, measurements
from .gates import GateResult, evaluate_gates
from .locust import (
    LoadRunner,
    LocustStats,
    RequestStats,
    compose_runner,
    native_runner,
    parse_stats,
)
from .measurements import Event, TimeSpan
from .profile import LoadError, LoadProfile, LoadSize
from .report import Report

# The timeout for one more scrape: five intervals of 5 s. It is not divided by the speed, because
# Prometheus discovers new instances once in 5 s at any speed.
SCRAPE_TIMEOUT_S = 25.0
POLL_INTERVAL_S = 0.2


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

    `min_replicas` has the minimum number of instances of each service.
    """

    run_load: LoadRunner
    runtime: StackRuntime
    prometheus: Prometheus
    min_replicas: Mapping[str, int]
    on_progress: ProgressCallback


def run(profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path) -> Report:
    """Run the load, wait until Prometheus scraped all of it, and evaluate the gates.

    The load starts after a scrape, so that requests before it don't count. Raises
    `LoadError` if Locust fails, and the errors of `Prometheus`.
    """
    prometheus, runtime = context.prometheus, context.runtime
    _await_scrape(prometheus, time.time())
    with gates.count_access_lines(runtime, profile.service) as counter:
        measured = measure(profile, size, context, folder)
    span, sent, lines = measured.time_span, measured.locust.requests, counter.get("lines")
    time_series = measurements.query_time_series(prometheus, profile.service, span)
    recovery_gates = gates.recovery_gates(
        profile, span, prometheus, (time_series["instances"], context.min_replicas)
    )
    count_gate = gates.check_counts(
        profile.service, gates.query_counts(prometheus, profile.service, span, sent, lines)
    )
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
        events=_events(context, span),
    )


def measure(
    profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path
) -> Measurement:
    """Run the load, wait until Prometheus scraped all of it, and check the objectives."""
    began = time.time()
    locust = parse_stats(context.run_load(profile, size, folder / "locust.html"))
    span = TimeSpan(began + profile.warmup, time.time())
    _await_scrape(context.prometheus, span.end)
    counts = measurements.count_requests(context.prometheus, profile.service, span)
    gates = evaluate_gates(profile, (size.users, size.seconds), locust.total, counts)
    return Measurement(span, locust, counts, gates)


def _await_scrape(prometheus: Prometheus, after: float) -> None:
    deadline = time.monotonic() + SCRAPE_TIMEOUT_S
    query = f"max(timestamp({measurements.REQUESTS}))"
    while (prometheus.value(query) or 0.0) <= after or not prometheus.all_scraped_since(
        SERVICES, after
    ):
        if time.monotonic() > deadline:
            raise LoadError("Prometheus does not scrape every instance: check its targets.")
        time.sleep(POLL_INTERVAL_S)


def create_context(
    settings: StackSettings, runtime: StackRuntime, host: str | None, on_progress: ProgressCallback
) -> LoadContext:
    """Return the context; `host` receives the load, by default the load balancer."""
    is_native = runtime.name == "native"
    prometheus = Prometheus(runtime.address("prometheus"))
    return LoadContext(
        run_load=(
            native_runner(settings, runtime, host) if is_native else compose_runner(settings, host)
        ),
        runtime=runtime,
        prometheus=prometheus,
        min_replicas={service: settings.min_replicas(service) for service in SERVICES},
        on_progress=on_progress,
    )


def _events(context: LoadContext, span: TimeSpan) -> Sequence[Event]:
    events = list(measurements.alert_events(context.prometheus, span))
    try:
        events += measurements.action_events(context.runtime.address("responder"), span)
    except AlertdrillError as error:  # a report without actions is better than none
        context.on_progress(str(error))
    return events
