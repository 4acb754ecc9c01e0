"""Faults of the monitoring components and of the load."""

from __future__ import annotations

from ...clients.http import request
from ..context import DrillContext
from ..model import FaultSpec
from ..undo import TIMEOUT_S
from .base import Fault, Repeater

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
# The component, file and text of each broken configuration.
BROKEN_CONFIGS = {
    "prometheus": ("prometheus", "scrape.d/drill.yml", INVALID_CONFIG),
    "alertmanager": ("alertmanager", "alertmanager.yml", INVALID_CONFIG),
    "webhook": ("alertmanager", "webhook_url", CLOSED_PORT_URL),
    "loki": ("loki", "overrides.yml", REJECTING_OVERRIDES),
}


def bad_config(spec: FaultSpec, context: DrillContext) -> Fault:
    """Give a component a broken configuration."""
    return _configure(context, *BROKEN_CONFIGS[spec.parameters["component"]])


def bad_rule(_: FaultSpec, context: DrillContext) -> Fault:
    """Give Prometheus a rule that fails."""
    return _configure(context, "prometheus", "rules.d/drill.yml", FAILING_RULE)


def _configure(context: DrillContext, component: str, name: str, text: str) -> Fault:
    return Fault(
        lambda: context.runtime.break_config(component, name, text),
        [("restore_config", component, name)],
    )


def stop_load(_: FaultSpec, context: DrillContext) -> Fault:
    """Stop the load until the fault ends."""
    return Fault(context.traffic.pause, stop=context.traffic.resume)


def not_found_scan(spec: FaultSpec, context: DrillContext) -> Fault:
    """Request pages that do not exist from the load balancer, beside the load."""
    repeater = Repeater()
    url = f"{context.runtime.addresses()['Services'].rstrip('/')}/no-such-page"
    return Fault(
        lambda: repeater.start(
            1 / spec.parameters["requests_per_second"],
            lambda: request("GET", url, timeout=TIMEOUT_S),
        ),
        stop=repeater.stop,
    )
