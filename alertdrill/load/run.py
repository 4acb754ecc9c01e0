"""Run a load on the current stack and measure it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..clients.prometheus import Prometheus
from ..config.services import SERVICES, min_replicas
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes.base import ProgressCallback, StackRuntime
from . import measurements
from .gates import count_access_lines, count_gate, objective_gates, recovery_gates
from .locust import LoadRunner, compose_runner, native_runner, parse_stats
from .profile import LoadError, LoadProfile
from .result import LoadResult, TimeSpan

# The timeout for one more scrape: five intervals of 5 s. It is not divided by the speed, because
# Prometheus discovers new instances once in 5 s at any speed.
SCRAPE_TIMEOUT_S = 25.0
POLL_INTERVAL_S = 0.2


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


def create_context(
    settings: StackSettings, runtime: StackRuntime, host: str | None, on_progress: ProgressCallback
) -> LoadContext:
    """Return the context; `host` receives the load, by default the load balancer."""
    is_native = runtime.name == "native"
    return LoadContext(
        native_runner(settings, runtime, host) if is_native else compose_runner(settings, host),
        runtime,
        Prometheus(runtime.address("prometheus")),
        min_replicas(),
        on_progress,
    )


def run(profile: LoadProfile, context: LoadContext, folder: Path) -> LoadResult:
    """Run the load, wait until Prometheus scraped all of it, and evaluate all gates.

    The load starts after a scrape, so that requests before it don't count. Raises
    `LoadError` if Locust fails, and the errors of `Prometheus`.
    """
    prometheus, service = context.prometheus, profile.service
    _await_scrape(prometheus, time.time())
    with count_access_lines(context.runtime, service) as counter:
        result = measure(profile, context, folder)
    span, sent = result.span, result.locust.requests
    charts = measurements.chart_lines(prometheus, profile, span, result.locust)
    instances = charts["Ready instances"]
    gates = [
        *result.gates,
        *recovery_gates(profile, span, prometheus, instances, context.min_replicas),
        count_gate(prometheus, service, span, sent, counter.get("lines")),
    ]
    events = list(measurements.alert_events(prometheus, span))
    try:
        events += measurements.action_events(context.runtime.address("responder"), span)
    except AlertdrillError as error:  # a report without actions is better than none
        context.on_progress(str(error))
    return replace(result, gates=gates, charts=charts, events=events)


def measure(profile: LoadProfile, context: LoadContext, folder: Path) -> LoadResult:
    """Run the load, wait until Prometheus scraped all of it, and check the objectives."""
    began = time.time()
    locust = parse_stats(context.run_load(profile, folder / "locust.html"))
    span = TimeSpan(began + profile.warmup, time.time())
    _await_scrape(context.prometheus, span.end)
    counts = measurements.count_requests(context.prometheus, profile.service, span)
    instances = measurements.answering_instances(context.prometheus, span)
    gates = objective_gates(profile, locust.total, counts)
    return LoadResult(profile, context.runtime.name, span, locust, counts, instances, gates)


def _await_scrape(prometheus: Prometheus, after: float) -> None:
    deadline = time.monotonic() + SCRAPE_TIMEOUT_S
    query = f"max(timestamp({measurements.REQUESTS}))"
    while True:
        missing = prometheus.not_scraped_since(SERVICES, after)
        if not missing and (prometheus.value(query) or 0.0) > after:
            return
        if time.monotonic() > deadline:
            names = ", ".join(missing) or "the services"
            raise LoadError(f"Prometheus does not scrape {names}: check its targets.")
        time.sleep(POLL_INTERVAL_S)
