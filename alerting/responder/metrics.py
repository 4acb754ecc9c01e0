"""The Prometheus metrics that the responder exposes."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from alertdrill_telemetry.metrics import Metrics

from .clients import Service
from .drill_results import PHASES
from .healing.planner import APPROVED, CODES, budget_remaining
from .healing.policy import Limits
from .healing.snapshot import StackSnapshot
from .healing.store import ACTION_KINDS, STATES, Action
from .notifications import Notification
from .validation import parse_rfc3339

OTHER = "other"
DRILL_LABELS = ("alert", "speed")


class ResponderMetrics:
    """The metrics; `runbooks` are the alerts that may be label values, others are `other`."""

    def __init__(self, metrics: Metrics, runbooks: Collection[str]) -> None:
        self._names = frozenset(runbooks)
        # The start of each alert that fires and was notified, by fingerprint.
        self._notified: dict[str, datetime] = {}
        # Whose circuit and budget are shown; a series of several workers cannot be removed.
        self._services: set[str] = set()
        gauge = partial(metrics.gauge, mode="livemax")
        self.webhooks = metrics.counter(
            "responder_webhooks_total", "Webhooks received, by outcome.", ("outcome",)
        )
        self.notifications = metrics.counter(
            "responder_notifications_total",
            "Notifications stored, once for each alert and status in them; "
            "an alert without a runbook is `other`.",
            ("alert", "status"),
        )
        self.adopted = metrics.counter(
            "responder_alerts_adopted_total",
            "Alerts that fired in Alertmanager without a notification, and were stored.",
        )
        self.watchdog_last_seen = gauge(
            "responder_watchdog_last_seen_timestamp_seconds",
            "Time of the last Watchdog notification, or of the responder's start if later.",
        )
        self.watchdog_missing = gauge(
            "responder_watchdog_missing", "1 while no Watchdog notification arrives."
        )
        self.info = gauge(
            "responder_info",
            "Always 1; has the address of the responder and its runbooks.",
            ("url",),
        )
        self.alert_seconds = gauge(
            "responder_alert_seconds",
            "Seconds from the start of an alert to each phase, `notified` and `resolved`; of the"
            " last time.",
            ("alert", "phase"),
        )
        self.decisions = metrics.counter(
            "responder_decisions_total",
            "Decisions about alerts, by action and code; a repeated decision counts once.",
            ("action", "code"),
        )
        self.actions = metrics.counter(
            "responder_actions_total", "Actions that ended, by final state.", ("action", "state")
        )
        self.action_duration = gauge(
            "responder_action_duration_seconds",
            "Duration of the last action for an alert.",
            ("alert", "action"),
        )
        self.paused = gauge("responder_paused", "1 while an operator has paused the responder.")
        self.circuit_open = gauge(
            "responder_circuit_open",
            "1 while the circuit of a service is open: its budget is exhausted.",
            ("scaled_service",),
        )
        self.budget_remaining = gauge(
            "responder_budget_remaining",
            "Actions that the budget of a service still allows.",
            ("scaled_service",),
        )
        self.min_replicas = gauge(
            "responder_min_replicas",
            "Minimum number of instances of a service.",
            ("scaled_service",),
        )
        self.drill_phase_seconds = gauge(
            "responder_drill_phase_seconds",
            "Seconds from the fault of an alert's last drill to each phase; for `resolved`, from"
            " the rollback. NaN for a phase that was not reached.",
            (*DRILL_LABELS, "phase"),
        )
        self.drill_deadlines = gauge(
            "responder_drill_deadline_seconds",
            "Deadline of each phase of an alert's last drill.",
            (*DRILL_LABELS, "phase"),
        )
        self.drill_passed = gauge(
            "responder_drill_passed", "1 if an alert's last drill passed, else 0.", DRILL_LABELS
        )
        self.drill_started = gauge(
            "responder_drill_started_timestamp_seconds",
            "Time of the start of an alert's last drill.",
            DRILL_LABELS,
        )
        self.drill_ended = gauge(
            "responder_drill_ended_timestamp_seconds",
            "Time of the end of an alert's last drill.",
            DRILL_LABELS,
        )
        self._start_counters()

    def _start_counters(self) -> None:
        """Set the counters to zero, so that the first event of a kind is an increase."""
        for outcome in ("stored", "duplicate", "malformed", "unauthorized", "too_large", "failed"):
            self.webhooks.labels(outcome)
        for name in self._names:
            self.notifications.labels(name, "firing")
        for code in CODES.keys() - {APPROVED}:
            self.decisions.labels("none", code)
        for kind in ACTION_KINDS:
            self.decisions.labels(kind, APPROVED)
            for state in STATES[1:]:
                self.actions.labels(kind, state)

    def _label(self, alert: str) -> str:
        return alert if alert in self._names else OTHER

    def count_notification(self, notification: Notification, now: datetime) -> None:
        """Count a stored notification, and set the times of the alerts in it."""
        for label, status in {(self._label(a.name), a.status) for a in notification.alerts}:
            self.notifications.labels(label, status).inc()
        for alert in notification.alerts:
            label = self._label(alert.name)
            if alert.status == "resolved":
                self._notified.pop(alert.fingerprint, None)
                duration = (alert.ends_at or now) - alert.starts_at
                self.alert_seconds.labels(label, "resolved").set(duration.total_seconds())
            # A repeated notification of the same alert has the same start, and is not the first.
            elif self._notified.get(alert.fingerprint) != alert.starts_at:
                self._notified[alert.fingerprint] = alert.starts_at
                delay = (now - alert.starts_at).total_seconds()
                self.alert_seconds.labels(label, "notified").set(max(0.0, delay))

    def set_watchdog(self, last_seen: datetime, missing: bool) -> None:
        """Set the result of the watchdog's check."""
        self.watchdog_last_seen.set(last_seen.timestamp())
        self.watchdog_missing.set(int(missing))

    def update_drill(self, result: Mapping[str, Any]) -> None:
        """Set the metrics of a drill, in the form of `DrillResultStore`."""
        labels = (self._label(result["alert"]), f"{result['speed']:g}")
        self.drill_passed.labels(*labels).set(result["verdict"] == "passed")
        self.drill_started.labels(*labels).set(parse_rfc3339(result["started_at"]).timestamp())
        self.drill_ended.labels(*labels).set(parse_rfc3339(result["finished_at"]).timestamp())
        for phase in PHASES:
            seconds, deadline = (
                result[column].get(phase, math.nan) for column in ("phase_seconds", "deadlines")
            )
            self.drill_phase_seconds.labels(*labels, phase).set(seconds)
            self.drill_deadlines.labels(*labels, phase).set(deadline)

    def count_action(self, action: Action, state: str) -> None:
        """Count an action that ended, and set its duration."""
        self.actions.labels(action.kind, state).inc()
        duration = max(0.0, time.time() - action.started_at)
        self.action_duration.labels(action.alert, action.kind).set(duration)

    def update_healing(self, snapshot: StackSnapshot, limits: Limits) -> None:
        """Set the pause, and the circuit and the budget of each service."""
        self.paused.set(snapshot.paused)
        self._services |= snapshot.open_circuits.keys()
        self._services |= {action.service for action in snapshot.recent_actions}
        for service in self._services:
            self.circuit_open.labels(service).set(service in snapshot.open_circuits)
            remaining = budget_remaining(service, snapshot, limits)
            self.budget_remaining.labels(service).set(max(0, remaining))

    def update_min_replicas(self, services: Mapping[str, Service]) -> None:
        """Set the minimum of each service with the heal label."""
        for name, service in services.items():
            if service.healing_enabled:
                self._services.add(name)
                self.min_replicas.labels(name).set(service.min_replicas)
