"""What metrics show of drills."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from apps.telemetry.metrics import Metrics

from .drill_journal import PHASES
from .metrics import OTHER
from .timestamps import parse_rfc3339

LABELS = ("alert", "speed")


class DrillGauges:
    """The last drill of each alert at each speed; `names` are those that may be label values."""

    def __init__(self, metrics: Metrics, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._times = metrics.gauge(
            "responder_drill_phase_seconds",
            "How long after the fault of an alert's last drill a phase came; `resolved`, after it"
            " was mended. NaN if it did not come.",
            (*LABELS, "phase"),
            mode="livemax",
        )
        self._limits = metrics.gauge(
            "responder_drill_deadline_seconds",
            "The most that a phase of an alert's last drill may have taken.",
            (*LABELS, "phase"),
            mode="livemax",
        )
        self._passed = metrics.gauge(
            "responder_drill_passed",
            "1 if an alert's last drill passed, else 0.",
            LABELS,
            mode="livemax",
        )
        self._ended = metrics.gauge(
            "responder_drill_ended_timestamp_seconds",
            "When an alert's last drill ended.",
            LABELS,
            mode="livemax",
        )

    def show(self, item: dict[str, Any]) -> None:
        """Show a drill as the journal has it."""
        alert = item["alert"] if item["alert"] in self._names else OTHER
        labels = (alert, f"{item['speed']:g}")
        self._passed.labels(*labels).set(item["verdict"] == "passed")
        self._ended.labels(*labels).set(parse_rfc3339(item["finished_at"]).timestamp())
        for phase in PHASES:
            self._times.labels(*labels, phase).set(item["phase_seconds"].get(phase, math.nan))
            self._limits.labels(*labels, phase).set(item["deadlines"].get(phase, math.nan))
