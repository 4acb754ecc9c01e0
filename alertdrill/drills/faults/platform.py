"""Faults of the monitoring components and of the load."""

from __future__ import annotations

from collections.abc import Sequence

from ...clients.http import request
from ..undo import TIMEOUT_S, UndoStep
from .base import Fault

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


class BreakConfig(Fault):
    """Gives a component a broken configuration, or a rule that fails."""

    def _file(self) -> tuple[str, str, str]:
        if self.spec.kind == "bad_rule":
            return "prometheus", "rules.d/drill.yml", FAILING_RULE
        if self.spec.parameters["component"] == "prometheus":
            return "prometheus", "scrape.d/drill.yml", INVALID_CONFIG
        if self.spec.parameters["component"] == "webhook":
            return "alertmanager", "webhook_url", CLOSED_PORT_URL
        if self.spec.parameters["component"] == "loki":
            return "loki", "overrides.yml", REJECTING_OVERRIDES
        return "alertmanager", "alertmanager.yml", INVALID_CONFIG

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that removes the configuration."""
        return [("restore_config", *self._file()[:2])]

    def inject(self) -> None:
        """Write the configuration and reload it."""
        self.context.runtime.configure(*self._file())


class StopLoad(Fault):
    """Stops the load until the fault ends."""

    def inject(self) -> None:
        """Stop the load."""
        self.context.traffic.pause()

    def stop(self) -> None:
        """Start the load again."""
        self.context.traffic.resume()


class NotFoundScan(Fault):
    """Requests pages that do not exist from the load balancer, beside the load."""

    def inject(self) -> None:
        """Start the requests."""
        url = f"{self.context.runtime.addresses()['Services'].rstrip('/')}/no-such-page"
        interval = 1 / self.number("requests_per_second", 1.0)
        self.repeat(interval, lambda: request("GET", url, timeout=TIMEOUT_S))
