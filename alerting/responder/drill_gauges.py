"""What metrics show of drills."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from prometheus_client import Gauge

from apps.telemetry.metrics import Metrics

from .drill_journal import PHASES
from .metrics import OTHER
from .timestamps import parse_rfc3339

LABELS = ("alert", "speed")


class DrillGauges:
    """The last drill of each alert at each speed; `names` are those that may be label values."""

    def __init__(self, metrics: Metrics, names: Collection[str]) -> None:
        self._names = frozenset(names)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return metrics.gauge(
                f"responder_drill_{name}", text, (*LABELS, *labels), mode="livemax"
            )

        self._times = gauge(
            "phase_seconds",
            "How long after the fault of an alert's last drill a phase came; `resolved`, after it"
            " was mended. NaN if it did not come.",
            "phase",
        )
        self._limits = gauge("limit_seconds", "The most that this phase may have taken.", "phase")
        self._passed = gauge("passed", "1 if an alert's last drill passed, else 0.")
        self._ended = gauge("ended_timestamp_seconds", "When an alert's last drill ended.")

    def show(self, item: dict[str, Any]) -> None:
        """Show a drill as the journal has it."""
        alert = item["alert"] if item["alert"] in self._names else OTHER
        labels = (alert, f"{item['speed']:g}")
        self._passed.labels(*labels).set(item["verdict"] == "passed")
        self._ended.labels(*labels).set(parse_rfc3339(item["ended"]).timestamp())
        for phase in PHASES:
            self._times.labels(*labels, phase).set(item["times"].get(phase, math.nan))
            self._limits.labels(*labels, phase).set(item["limits"].get(phase, math.nan))
