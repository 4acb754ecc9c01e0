"""The Prometheus metrics that the responder exposes."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from apps.telemetry.metrics import Metrics

from .clients import Service
from .drill_results import PHASES
from .healing.planner import APPROVED, CODES, budget_remaining
from .healing.policy import Limits
from .healing.snapshot import StackSnapshot
from .healing_store import ACTION_KINDS, STATES, ActionRecord
from .notifications import Alert, Notification
from .validation import parse_rfc3339

OUTCOMES = ("stored", "duplicate", "malformed", "failed")
OTHER = "other"
DRILL_LABELS = ("alert", "speed")


class ResponderMetrics:
    """The metrics about notifications and the watchdog.

    `runbooks` are the alerts that may be label values.
    """

    def __init__(self, metrics: Metrics, runbooks: Collection[str]) -> None:
        self._names = frozenset(runbooks)
        # The start of each alert that fires and was notified, by fingerprint.
        self._notified: dict[str, datetime] = {}
        self._webhooks = metrics.counter(
            "responder_webhooks_total", "Webhooks received, by outcome.", ("outcome",)
        )
        self._notifications = metrics.counter(
            "responder_notifications_total",
            "Notifications stored, once for each alert and status in them; "
            "an alert without a runbook is `other`.",
            ("alert", "status"),
        )
        self._last_seen = metrics.gauge(
            "responder_watchdog_last_seen_timestamp_seconds",
            "Time of the last Watchdog notification, or of the responder's start if later.",
            mode="livemax",
        )
        self._missing = metrics.gauge(
            "responder_watchdog_missing",
            "1 while no Watchdog notification arrives.",
            mode="livemax",
        )
        self._info = metrics.gauge(
            "responder_info",
            "Always 1; has the address of the responder and its runbooks.",
            ("url",),
            mode="livemax",
        )
        self._alert_seconds = metrics.gauge(
            "responder_alert_seconds",
            "Seconds from the start of an alert to each phase, `notified` and `resolved`; of the"
            " last time.",
            ("alert", "phase"),
            mode="livemax",
        )
        # From the start, so that the first event of a kind is an increase.
        for outcome in OUTCOMES:
            self._webhooks.labels(outcome)
        for name in self._names:
            self._notifications.labels(name, "firing")

    def count_webhook(self, outcome: str) -> None:
        """Count a webhook."""
        self._webhooks.labels(outcome).inc()

    def set_info(self, url: str) -> None:
        """Set the address of the responder."""
        self._info.labels(url).set(1)

    def count_notification(self, notification: Notification, now: datetime) -> None:
        """Count a stored notification, and set the times of the alerts in it."""
        counted = {(self._label(alert.name), alert.status) for alert in notification.alerts}
        for label, status in counted:
            self._notifications.labels(label, status).inc()
        for alert in notification.alerts:
            self._set_times(alert, now)

    def _set_times(self, alert: Alert, now: datetime) -> None:
        gauge = self._alert_seconds.labels
        if alert.status == "resolved":
            self._notified.pop(alert.fingerprint, None)
            duration = (alert.ends_at or now) - alert.starts_at
            gauge(self._label(alert.name), "resolved").set(duration.total_seconds())
        # A repeated notification of the same alert has the same start, and is not the first.
        elif self._notified.get(alert.fingerprint) != alert.starts_at:
            self._notified[alert.fingerprint] = alert.starts_at
            delay = (now - alert.starts_at).total_seconds()
            gauge(self._label(alert.name), "notified").set(max(0.0, delay))

    def set_watchdog(self, last_seen: datetime, missing: bool) -> None:
        """Set the result of the watchdog's check."""
        self._last_seen.set(last_seen.timestamp())
        self._missing.set(int(missing))

    def _label(self, alert: str) -> str:
        return alert if alert in self._names else OTHER


class DrillMetrics:
    """The last drill of each alert at each speed; `names` are the allowed label values."""

    def __init__(self, metrics: Metrics, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._phase_seconds = metrics.gauge(
            "responder_drill_phase_seconds",
            "Seconds from the fault of an alert's last drill to each phase; for `resolved`, from"
            " the rollback. NaN for a phase that was not reached.",
            (*DRILL_LABELS, "phase"),
            mode="livemax",
        )
        self._deadlines = metrics.gauge(
            "responder_drill_deadline_seconds",
            "Deadline of each phase of an alert's last drill.",
            (*DRILL_LABELS, "phase"),
            mode="livemax",
        )
        self._passed = metrics.gauge(
            "responder_drill_passed",
            "1 if an alert's last drill passed, else 0.",
            DRILL_LABELS,
            mode="livemax",
        )
        self._started = metrics.gauge(
            "responder_drill_started_timestamp_seconds",
            "Time of the start of an alert's last drill.",
            DRILL_LABELS,
            mode="livemax",
        )
        self._ended = metrics.gauge(
            "responder_drill_ended_timestamp_seconds",
            "Time of the end of an alert's last drill.",
            DRILL_LABELS,
            mode="livemax",
        )

    def update(self, result: dict[str, Any]) -> None:
        """Set the metrics of a drill, in the form of `DrillResultStore`."""
        alert = result["alert"] if result["alert"] in self._names else OTHER
        labels = (alert, f"{result['speed']:g}")
        self._passed.labels(*labels).set(result["verdict"] == "passed")
        self._started.labels(*labels).set(parse_rfc3339(result["started_at"]).timestamp())
        self._ended.labels(*labels).set(parse_rfc3339(result["finished_at"]).timestamp())
        for phase in PHASES:
            seconds = result["phase_seconds"].get(phase, math.nan)
            self._phase_seconds.labels(*labels, phase).set(seconds)
            self._deadlines.labels(*labels, phase).set(result["deadlines"].get(phase, math.nan))


class HealingMetrics:
    """The metrics about decisions, actions and the circuit of healing."""

    def __init__(self, metrics: Metrics) -> None:
        self._decisions = metrics.counter(
            "responder_decisions_total",
            "Decisions about alerts, by action and code; a repeated decision counts once.",
            ("action", "code"),
        )
        self._actions = metrics.counter(
            "responder_actions_total", "Actions that ended, by final state.", ("action", "state")
        )
        self._duration = metrics.gauge(
            "responder_action_duration_seconds",
            "Duration of the last action for an alert.",
            ("alert", "action"),
            mode="livemax",
        )
        self._paused = metrics.gauge(
            "responder_paused", "1 while an operator has paused the responder.", mode="livemax"
        )
        self._circuit = metrics.gauge(
            "responder_circuit_open",
            "1 while the circuit is open because the budget was exhausted.",
            mode="livemax",
        )
        self._budget = metrics.gauge(
            "responder_budget_remaining", "Actions that the budget still allows.", mode="livemax"
        )
        self._min_replicas = metrics.gauge(
            "responder_min_replicas",
            "Minimum number of instances of a service.",
            ("scaled_service",),
            mode="livemax",
        )
        # From the start, so that the first event of a kind is an increase.
        for code in CODES:
            if code != APPROVED:
                self._decisions.labels("none", code)
        for kind in ACTION_KINDS:
            self._decisions.labels(kind, APPROVED)
            for state in STATES[1:]:
                self._actions.labels(kind, state)

    def count_decision(self, action: str, code: str) -> None:
        """Count a decision."""
        self._decisions.labels(action, code).inc()

    def count_action(self, record: ActionRecord, state: str) -> None:
        """Count an action that ended, and set its duration."""
        action = record.action
        self._actions.labels(action.kind, state).inc()
        duration = max(0.0, time.time() - action.started_at)
        self._duration.labels(record.alert, action.kind).set(duration)

    def update(self, snapshot: StackSnapshot, limits: Limits) -> None:
        """Set the pause, the circuit and the budget."""
        self._paused.set(snapshot.paused)
        self._circuit.set(snapshot.circuit_open is not None)
        self._budget.set(max(0, budget_remaining(snapshot, limits)))

    def update_min_replicas(self, services: Mapping[str, Service]) -> None:
        """Set the minimum of each service with the heal label."""
        for name, service in services.items():
            if service.healing_enabled:
                self._min_replicas.labels(name).set(service.min_replicas)
