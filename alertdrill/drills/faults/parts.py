"""Faults of what watches, and of what comes in."""

from __future__ import annotations

from collections.abc import Sequence

import requests

from ..undo import TIMEOUT_S, UndoStep
from .base import Fault

# Two instances of a target match it both ways, which PromQL refuses.
FAILING_RULE = """\
groups:
  - name: drill
    rules:
      - record: drill:failing:rule
        expr: up * on () up
"""
# The port for what is to be thrown away (RFC 863), where hardly anybody listens.
NOBODY = "http://127.0.0.1:9/webhook"
BROKEN = "this is not a configuration: ["
# A byte a second: no request of the collector is ever taken.
REFUSING = """\
overrides:
  fake: {ingestion_rate_mb: 0.000001, ingestion_burst_size_mb: 0.000001}
"""


class Configure(Fault):
    """Give a part a configuration that it can't work with, or a rule that fails."""

    def _what(self) -> tuple[str, str, str]:
        if self.spec.kind == "bad_rule":
            return "prometheus", "rules.d/drill.yml", FAILING_RULE
        if self.spec.parameters["component"] == "prometheus":
            return "prometheus", "scrape.d/drill.yml", BROKEN
        if self.spec.parameters["component"] == "webhook":
            return "alertmanager", "webhook_url", NOBODY
        if self.spec.parameters["component"] == "loki":
            return "loki", "overrides.yml", REFUSING
        return "alertmanager", "alertmanager.yml", BROKEN

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the step that takes it away again."""
        return [("restore_config", *self._what()[:2])]

    def inject(self) -> None:
        """Put it there and have it read."""
        self.context.runtime.configure(*self._what())


class NoLoad(Fault):
    """End the load; it comes back when the fault is over."""

    def inject(self) -> None:
        """End it."""
        self.context.traffic.pause()

    def cease(self) -> None:
        """Start it again."""
        self.context.traffic.resume()


class Scan(Fault):
    """Ask the load balancer for pages that are not there, beside the load."""

    def inject(self) -> None:
        """Begin to ask."""
        url = f"{self.context.runtime.addresses()['Services'].rstrip('/')}/no-such-page"
        every = 1 / self.number("requests_per_second", 1.0)
        self.again(every, lambda: requests.get(url, timeout=TIMEOUT_S))
