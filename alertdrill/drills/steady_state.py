"""The steady state: every instance is ready and scraped, traffic flows, no alert fires.

Under steady load it lasts: `watch_for_false_alarms` checks that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ..clients.faults import Faults
from ..clients.http import UnreachableError
from ..clients.prometheus import Evaluator, Prometheus
from ..clients.responder import PerformedAction
from ..config.services import SERVICES
from ..runtimes.base import FaultTarget, RunningStack, running_addresses
from .context import DrillContext
from .model import ACTION_S, STEADY, DrillError, LoadSpec, UnsteadyError

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


def max_wait(speed: float) -> float:
    """Return how long the steady state may take, in seconds.

    What the previous drill left gets shorter with the speed.
    """
    return FIXED_LIMIT_S + SCALE_IN_S / speed


def scale_in_time(actions: Sequence[PerformedAction], speed: float) -> float:
    """Return how long services may stay above min_replicas after these actions, in seconds."""
    scaled = any(action.kind == "scale_out" for action in actions)
    return SCALE_IN_S / speed + ACTION_S if scaled else 0.0


def wait(context: DrillContext, load: LoadSpec, alert: str, *, phase: str, limit: float) -> None:
    """Wait for the steady state; raise `UnsteadyError` if it does not come within the limit."""
    start = time.monotonic()
    while True:
        context.traffic.require_running()
        elapsed = time.monotonic() - start
        context.progress.waiting(phase, elapsed, limit)
        try:
            return require(context, load, alert)
        except UnsteadyError:
            if elapsed > limit:
                raise
        time.sleep(POLL_INTERVAL_S)


def require(context: DrillContext, load: LoadSpec, alert: str = "") -> None:
    """Raise `UnsteadyError` with the first deviation; `alert` may not even be pending."""
    try:
        _require_ready(context.runtime)
        _require_scrapes(context.prometheus)
        for evaluator in context.evaluators:
            _require_no_alerts(evaluator, alert)
        _require_traffic(context.prometheus, load, context.runtime.speed)
        _require_min_replicas(context.prometheus)
        if context.responder.misses_watchdog():
            raise UnsteadyError("The responder misses Watchdog.")
    except UnreachableError as error:
        raise UnsteadyError(str(error)) from error


def _require_ready(runtime: RunningStack) -> None:
    instances = runtime.status()
    if not instances:
        raise UnsteadyError("The stack is down.")
    for instance in instances:
        if instance.state not in ("ready", "standby"):
            raise UnsteadyError(f"{instance.name} is {instance.state}.")


def require_no_faults(runtime: FaultTarget) -> None:
    """Raise `UnsteadyError` if a fault is still active in an instance of a service."""
    for service in SERVICES:
        for address in running_addresses(service, runtime.status()):
            try:
                active = Faults(address, runtime.faults_token()).active()
            except UnreachableError as error:
                if error.status is None:
                    raise UnsteadyError(f"{address} of {service} does not answer.") from error
                raise UnsteadyError(
                    f"{address} of {service} answers {error.status} to /faults:"
                    " drills need FAULTS_ENABLED=1."
                ) from error
            if active:
                raise UnsteadyError(f"{service} at {address} has the fault {active[0]}.")


def _require_scrapes(prometheus: Prometheus) -> None:
    up = prometheus.query("up")
    if not up:
        raise UnsteadyError("Prometheus scrapes nothing.")
    for sample in up:
        if sample["value"][1] != "1":
            raise UnsteadyError(f"{sample['metric'].get('instance')} is not scraped.")


def _require_no_alerts(evaluator: Evaluator, alert: str) -> None:
    names = sorted({labels["alertname"] for labels in evaluator.firing_alerts()} - {WATCHDOG})
    if names:
        raise UnsteadyError(f"{', '.join(names)} is firing.")
    rule = evaluator.rule(alert) if alert and alert != WATCHDOG else None
    if rule is not None and rule.alerts:
        raise UnsteadyError(f"{alert} is pending.")


def _require_traffic(prometheus: Prometheus, load: LoadSpec, speed: float) -> None:
    if load.shape == "none":
        return
    window = max(2, round(30 / speed))  # six scrapes at speed 1
    requests = f'haproxy_frontend_http_requests_total{{proxy="public"}}[{window}s]'
    rate = prometheus.value(f"sum(rate({requests}))")
    if rate is None or rate < MIN_TRAFFIC * load.users:
        raise UnsteadyError(
            f"The load balancer gets {rate or 0:.1f} requests/s:"
            f" {load.users} users should send more."
        )


def _require_min_replicas(prometheus: Prometheus) -> None:
    """Raise `UnsteadyError` if a service still has instances that a load required."""
    for sample in prometheus.query(ABOVE_MIN_REPLICAS):
        service, count = sample["metric"]["scaled_service"], sample["value"][1]
        raise UnsteadyError(f"{service} has {count} instances, more than its minimum.")


# False alarms


def watch_for_false_alarms(context: DrillContext, seconds: float) -> list[str]:
    """Watch the steady load for a time; return a sentence for each alert that fires.

    The time starts at the steady state, or at an alert before it: that prevents a steady state.
    """
    context.traffic.ensure(STEADY)
    limit = max_wait(context.runtime.speed)
    sentences: dict[str, str] = {}
    start, steady = time.monotonic(), False
    while not steady or time.monotonic() - start < seconds:
        context.traffic.require_running()
        _collect_alerts(context, sentences)
        elapsed = time.monotonic() - start
        if steady:
            context.progress.waiting("free of false alarms", elapsed, seconds)
        else:
            context.progress.waiting("steady", elapsed, limit)
            try:
                require(context, STEADY)
                steady = True
            except UnsteadyError as error:
                if elapsed > limit and not sentences:
                    message = f"The stack did not reach its steady state: {error}"
                    raise DrillError(message) from error
                steady = bool(sentences)
            if steady:
                start = time.monotonic()
        time.sleep(POLL_INTERVAL_S)
    return list(sentences.values())


def _collect_alerts(context: DrillContext, sentences: dict[str, str]) -> None:
    for evaluator in context.evaluators:
        try:
            firing = evaluator.firing_alerts()
        except UnreachableError:
            continue  # not up yet; if it stays away, the steady state does not come
        for labels in firing:
            if labels["alertname"] != WATCHDOG:
                sentences.setdefault(str(labels), _alert_sentence(labels))


def _alert_sentence(labels: Mapping[str, str]) -> str:
    pairs = [
        f"{name}={value}"
        for name, value in sorted(labels.items())
        if name not in ("alertname", "severity")
    ]
    return f"{labels['alertname']} fired{' for ' * bool(pairs)}{', '.join(pairs)}."
