"""The steady state: every instance is ready and scraped, traffic flows, no alert fires.

Under steady load it lasts: `watch_for_false_alarms` checks that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from ..clients.faults import Faults
from ..clients.http import UnreachableError
from ..clients.responder import PerformedAction
from ..config.services import SERVICES
from ..runtimes.base import FaultTarget, running_ops_addresses
from .context import DrillContext
from .model import ACTION_S, STEADY, DrillError, LoadSpec

POLL_INTERVAL_S = 0.1
# This alert always fires, by design.
WATCHDOG = "Watchdog"
# Share of the requests that the users would send to an idle stack, one per second each.
MIN_TRAFFIC = 0.5
# From full load on four instances to min_replicas: Overprovisioned's window and `for`, its group
# wait, and for each of three instances one minute to stabilize and one to drain.
SCALE_IN_S = 60.0 + 120.0 + 10.0 + 3 * 120.0
# How long the steady state may take at any speed, for starts and scrapes.
FIXED_LIMIT_S = 30.0
# Services that the responder scaled out and has not scaled in yet.
ABOVE_MIN_REPLICAS = """
count by (scaled_service) (
  label_replace(up{job="services"} == 1, "scaled_service", "$1", "service", "(.+)")
)
> on (scaled_service) max by (scaled_service) (responder_min_replicas)
"""


class NotSteadyError(DrillError):
    """The steady state did not come in time."""


def max_wait(speed: float) -> float:
    """Return how long the steady state may take, in seconds.

    What the previous drill left gets shorter with the speed.
    """
    return FIXED_LIMIT_S + SCALE_IN_S / speed


def scale_in_time(actions: Sequence[PerformedAction], speed: float) -> float:
    """Return how long services may stay above min_replicas after these actions, in seconds."""
    scaled = any(action.kind == "scale_out" for action in actions)
    return SCALE_IN_S / speed + ACTION_S if scaled else 0.0


def poll(context: DrillContext, phase: str, limit: float) -> Iterator[float]:
    """Yield the elapsed seconds at each poll, and show them; raise `DrillError` if the load ends.

    The caller ends the wait.
    """
    start = time.monotonic()
    while True:
        context.traffic.require_running()
        elapsed = time.monotonic() - start
        context.progress.waiting(phase, elapsed, limit)
        yield elapsed
        time.sleep(POLL_INTERVAL_S)


def wait(context: DrillContext, load: LoadSpec, alert: str, *, phase: str, limit: float) -> None:
    """Wait for the steady state; raise `NotSteadyError` with what deviates after the limit."""
    for elapsed in poll(context, phase, limit):
        deviation = find_deviation(context, load, alert)
        if not deviation:
            return
        if elapsed > limit:
            raise NotSteadyError(deviation)


def find_deviation(context: DrillContext, load: LoadSpec, alert: str = "") -> str:
    """Return what deviates first, or an empty text; `alert` may not even be pending."""
    try:
        return next(_deviations(context, load, alert), "")
    except UnreachableError as error:
        return str(error)


def _deviations(context: DrillContext, load: LoadSpec, alert: str) -> Iterator[str]:
    prometheus, instances = context.prometheus, context.runtime.status()
    if not instances:
        yield "The stack is down."
    ready = ("ready", "standby")
    yield from (f"{item.name} is {item.state}." for item in instances if item.state not in ready)
    up = prometheus.query("up")
    if not up:
        yield "Prometheus scrapes nothing."
    for sample in up:
        if sample["value"][1] != "1":
            yield f"{sample['metric'].get('instance')} is not scraped."
    for evaluator in context.evaluators:
        if names := {labels["alertname"] for labels in evaluator.firing_alerts()} - {WATCHDOG}:
            yield f"{', '.join(sorted(names))} is firing."
        rule = evaluator.rule(alert) if alert not in ("", WATCHDOG) else None
        if rule and rule.alerts:
            yield f"{alert} is pending."
    if load.shape != "none":
        window = max(2, round(30 / context.runtime.speed))  # six scrapes at speed 1
        requests = f'haproxy_frontend_http_requests_total{{proxy="public"}}[{window}s]'
        rate = prometheus.value(f"sum(rate({requests}))") or 0.0
        if rate < MIN_TRAFFIC * load.users:
            yield (
                f"The load balancer gets {rate:.1f} requests/s:"
                f" {load.users} users should send more."
            )
    for sample in prometheus.query(ABOVE_MIN_REPLICAS):
        service, count = sample["metric"]["scaled_service"], sample["value"][1]
        yield f"{service} has {count} instances, more than its minimum."
    if context.responder.misses_watchdog():
        yield "The responder misses Watchdog."


def require_no_faults(runtime: FaultTarget) -> None:
    """Raise `DrillError` if a fault is still active in an instance of a service."""
    for service in SERVICES:
        for address in running_ops_addresses(service, runtime.status()):
            try:
                active = Faults(address, runtime.faults_token()).active()
            except UnreachableError as error:
                if error.status is None:
                    raise DrillError(f"{address} of {service} does not answer.") from error
                raise DrillError(
                    f"{address} of {service} answers {error.status} to /faults:"
                    " drills need FAULTS_ENABLED=1."
                ) from error
            if active:
                raise DrillError(f"{service} at {address} has the fault {active[0]}.")


def watch_for_false_alarms(context: DrillContext, seconds: float) -> list[str]:
    """Watch the steady load for a time; return a sentence for each alert that fires.

    The time starts at the steady state, or at an alert before it: that prevents a steady state.
    """
    context.traffic.ensure(STEADY)
    sentences: dict[str, None] = {}
    limit = max_wait(context.runtime.speed)
    for elapsed in poll(context, "steady", limit):
        sentences.update(dict.fromkeys(_false_alarms(context)))
        deviation = find_deviation(context, STEADY)
        if sentences or not deviation:
            break
        if elapsed > limit:
            raise DrillError(f"The stack did not reach its steady state: {deviation}")
    for elapsed in poll(context, "free of false alarms", seconds):
        sentences.update(dict.fromkeys(_false_alarms(context)))
        if elapsed >= seconds:
            break
    return list(sentences)


def _false_alarms(context: DrillContext) -> Iterator[str]:
    for evaluator in context.evaluators:
        # If it stays away, the steady state does not come.
        with contextlib.suppress(UnreachableError):
            for labels in evaluator.firing_alerts():
                if labels["alertname"] != WATCHDOG:
                    named = sorted(labels.keys() - {"alertname", "severity"})
                    pairs = ", ".join(f"{name}={labels[name]}" for name in named)
                    yield f"{labels['alertname']} fired{pairs and f' for {pairs}'}."
