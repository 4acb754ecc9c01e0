"""The Prometheus metrics about drills that the responder exposes."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from apps.telemetry.metrics import Metrics

from .drill_results import PHASES
from .notification_metrics import OTHER
from .timestamps import parse_rfc3339

LABELS = ("alert", "speed")


class DrillMetrics:
    """The last drill of each alert at each speed; `names` are the allowed label values."""

    def __init__(self, metrics: Metrics, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._phase_seconds = metrics.gauge(
            "responder_drill_phase_seconds",
            "Seconds from the fault of an alert's last drill to each phase; for `resolved`, from"
            " the rollback. NaN for a phase that was not reached.",
            (*LABELS, "phase"),
            mode="livemax",
        )
        self._deadlines = metrics.gauge(
            "responder_drill_deadline_seconds",
            "Deadline of each phase of an alert's last drill.",
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
            "Time of the end of an alert's last drill.",
            LABELS,
            mode="livemax",
        )

    def update(self, result: dict[str, Any]) -> None:
        """Set the metrics of a drill, in the form of `DrillResultStore`."""
        alert = result["alert"] if result["alert"] in self._names else OTHER
        labels = (alert, f"{result['speed']:g}")
        self._passed.labels(*labels).set(result["verdict"] == "passed")
        self._ended.labels(*labels).set(parse_rfc3339(result["finished_at"]).timestamp())
        for phase in PHASES:
            seconds = result["phase_seconds"].get(phase, math.nan)
            self._phase_seconds.labels(*labels, phase).set(seconds)
            self._deadlines.labels(*labels, phase).set(result["deadlines"].get(phase, math.nan))
