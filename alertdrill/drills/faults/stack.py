"""Faults of the stack: its instances, its monitoring components and its load.

The first line of a fault is its description in the reference.
"""

from __future__ import annotations

from ...clients.faults import Faults
from ...clients.http import request
from ...config.services import SERVICES
from ...runtimes.base import instances_of, running_ops_addresses
from ..context import DrillContext
from ..model import DrillError, FaultSpec
from . import Effect, Fault, effects, process_fault, repeating

# An instance takes seconds to start and must not stay ready for long.
CRASH_INTERVAL_S = 0.5
# `up` has several series on both sides, and PromQL rejects a many-to-many match.
FAILING_RULE = """\
groups:
  - name: drill
    rules:
      - record: drill:failing:rule
        expr: up * on () up
"""
# The discard port (RFC 863), which is closed on nearly every host.
CLOSED_PORT_URL = "http://127.0.0.1:9/webhook"
INVALID_CONFIG = "this is not a configuration: ["
# One byte per second: Loki rejects every request of the collector.
REJECTING_OVERRIDES = """\
overrides:
  fake: {ingestion_rate_mb: 0.000001, ingestion_burst_size_mb: 0.000001}
"""
# The component, file and text of each broken configuration; the first one is that of `bad_rule`.
BROKEN_CONFIGS = {
    "": ("prometheus", "rules.d/drill.yml", FAILING_RULE),
    "prometheus": ("prometheus", "scrape.d/drill.yml", INVALID_CONFIG),
    "alertmanager": ("alertmanager", "alertmanager.yml", INVALID_CONFIG),
    "webhook": ("alertmanager", "webhook_url", CLOSED_PORT_URL),
    "loki": ("loki", "overrides.yml", REJECTING_OVERRIDES),
}


def service_fault(spec: FaultSpec, context: DrillContext) -> Fault:
    """Every instance of the target injects the fault into itself, through its endpoint /faults."""

    def inject() -> None:
        running = running_ops_addresses(spec.target, context.runtime.status())
        if not running:
            raise DrillError(f"No instance of {spec.target} runs: start it with `alertdrill up`.")
        for address in running:
            Faults(address, context.runtime.faults_token()).switch_on(spec.kind, spec.parameters)

    def measure(since: float) -> Effect | None:
        return effects.measure(spec, context.prometheus, since)

    return Fault(inject, [("clear_fault", spec.target, spec.kind)], measure=measure)


def stop(spec: FaultSpec, context: DrillContext) -> Fault:
    """The target stops gracefully."""
    return Fault(lambda: context.runtime.stop(spec.target), [("start", spec.target)])


def pause(spec: FaultSpec, context: DrillContext) -> Fault:
    """The target is frozen (SIGSTOP), and restarted within 15 s if it is not a service."""
    return Fault(lambda: context.runtime.pause(spec.target), [("resume", spec.target)])


def drop_targets(spec: FaultSpec, context: DrillContext) -> Fault:
    """Prometheus's target list loses the target."""
    return Fault(lambda: context.runtime.drop_targets(spec.target), [("restore_targets",)])


def kill(spec: FaultSpec, context: DrillContext) -> Fault:
    """The target is killed repeatedly."""
    every, target = spec.parameters["every"], spec.target
    return repeating(every, lambda: context.runtime.kill(target), [("start", target)], unit="kills")


def crash_loop(spec: FaultSpec, context: DrillContext) -> Fault:
    """The target is stopped whenever it becomes ready."""

    def crash() -> None:
        for instance in context.runtime.status():
            if instance.state == "ready" and spec.target in (instance.name, instance.service):
                context.runtime.stop(instance.name, grace=0)  # a crash does not drain

    # A crash loop opens the circuit of the service in the responder.
    services = {
        instance.service
        for instance in context.runtime.status()
        if spec.target in (instance.name, instance.service)
    }
    circuits = [("close_circuit", service) for service in services]
    return repeating(CRASH_INTERVAL_S, crash, [*circuits, ("start", spec.target)])


def scale(spec: FaultSpec, context: DrillContext) -> Fault:
    """The target runs with this number of instances."""
    instances = instances_of(spec.target, context.runtime.status())
    replicas = sum(instance.state != "standby" for instance in instances)
    return Fault(
        lambda: context.runtime.scale(spec.target, spec.parameters["instances"], lambda _: None),
        [("scale", spec.target, str(replicas))],
    )


def bad_config(spec: FaultSpec, context: DrillContext) -> Fault:
    """A component loads a broken configuration.

    For `webhook`, Alertmanager sends notifications to a closed port; for `loki`, Loki rejects
    nearly all log lines.
    """
    component, name, text = BROKEN_CONFIGS[spec.component]
    return Fault(
        lambda: context.runtime.break_config(component, name, text),
        [("restore_config", component, name)],
    )


def bad_rule(spec: FaultSpec, context: DrillContext) -> Fault:
    """Prometheus loads a rule whose evaluation always fails."""
    return bad_config(spec, context)


def stop_load(_: FaultSpec, context: DrillContext) -> Fault:
    """The load stops."""
    traffic, load = context.traffic, context.traffic.spec
    return Fault(traffic.stop, stop=lambda: traffic.ensure(load))


def not_found_scan(spec: FaultSpec, context: DrillContext) -> Fault:
    """A client requests pages that do not exist."""
    url = f"{context.runtime.addresses()['Services'].rstrip('/')}/no-such-page"
    interval = 1 / spec.parameters["requests_per_second"]
    return repeating(interval, lambda: request("GET", url), unit="requests")


def slow_clients(spec: FaultSpec, context: DrillContext) -> Fault:
    """Clients keep this number of slow connections open, and each uses it a byte per second.

    `heads` send a header, `bodies` a body of 8,000 bytes. `large_bodies` send 30 kB of a megabyte
    at once, then the rest; `readers` send a request, then read its response. The path is that of
    the audit in `apps/services.yml`.
    """
    path = next((service.audit.path for service in SERVICES.values() if service.audit), "/")
    url = f"{context.runtime.addresses()['Services'].rstrip('/')}{path}"
    counts = {name: value for name, value in spec.parameters.items() if name != "duration"}
    numbers = [f"{kind}={number}" for kind, number in counts.items()]
    duration = str(spec.parameters["duration"])

    def measure(_: float) -> Effect:
        # Each holds a connection most of the time.
        query = 'max_over_time(haproxy_frontend_current_sessions{proxy="public"}[1m])'
        sessions = context.prometheus.value(query) or 0.0
        return Effect(sessions, sum(counts.values()), "slow connections")

    return process_fault(
        context, f"{__package__}.slow_clients", url, duration, *numbers, measure=measure
    )
