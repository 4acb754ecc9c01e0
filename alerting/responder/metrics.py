"""The responder's own metrics."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from apps.telemetry.metrics import Metrics

from .payload import Alert, Notification

OUTCOMES = ("stored", "duplicate", "malformed", "failed")
OTHER = "other"


class ResponderMetrics:
    """What the responder counts; `runbooks` are the alerts that may be label values."""

    def __init__(self, metrics: Metrics, runbooks: Collection[str]) -> None:
        self._names = frozenset(runbooks)
        # When that began which was told of last, by fingerprint, while it fires.
        self._told: dict[str, datetime] = {}
        self._webhooks = metrics.counter(
            "responder_webhooks_total", "Webhooks received, by what became of them.", ("outcome",)
        )
        self._notifications = metrics.counter(
            "responder_notifications_total",
            "Notifications stored, once for each alert and status in them; "
            "an alert without a runbook is `other`.",
            ("alert", "status"),
        )
        self._last_seen = metrics.gauge(
            "responder_watchdog_last_seen_timestamp_seconds",
            "When Watchdog was last received, or the responder started if that is later.",
            mode="livemax",
        )
        self._late = metrics.gauge(
            "responder_watchdog_missing", "1 while Watchdog stays away too long.", mode="livemax"
        )
        self._info = metrics.gauge(
            "responder_info",
            "Always 1; says where people find the responder and its runbooks.",
            ("url",),
            mode="livemax",
        )
        self._after = metrics.gauge(
            "responder_alert_seconds",
            "How long after an alert fired it was `notified`, and `resolved`; of the last time.",
            ("alert", "phase"),
            mode="livemax",
        )
        # So that the first of a kind is seen as an increase.
        for outcome in OUTCOMES:
            self._webhooks.labels(outcome)
        for name in self._names:
            self._notifications.labels(name, "firing")

    def count_webhook(self, outcome: str) -> None:
        """Count one webhook."""
        self._webhooks.labels(outcome).inc()

    def show_address(self, url: str) -> None:
        """Show where people find the responder."""
        self._info.labels(url).set(1)

    def count_notification(self, notification: Notification, now: datetime) -> None:
        """Count one stored notification, and show how long after the alerts in it came."""
        known = {(self._label(alert.name), alert.status) for alert in notification.alerts}
        for alert, status in known:
            self._notifications.labels(alert, status).inc()
        for one in notification.alerts:
            self._show_times(one, now)

    def _show_times(self, alert: Alert, now: datetime) -> None:
        seconds = self._after.labels
        if alert.status == "resolved":
            self._told.pop(alert.fingerprint, None)
            over = (alert.ends_at or now) - alert.starts_at
            seconds(self._label(alert.name), "resolved").set(over.total_seconds())
        # What fires on is told again with the same beginning, which is no first word of it.
        elif self._told.get(alert.fingerprint) != alert.starts_at:
            self._told[alert.fingerprint] = alert.starts_at
            after = (now - alert.starts_at).total_seconds()
            seconds(self._label(alert.name), "notified").set(max(0.0, after))

    def observe_watchdog(self, last_seen: datetime, is_late: bool) -> None:
        """Show what the watchdog's check found."""
        self._last_seen.set(last_seen.timestamp())
        self._late.set(int(is_late))

    def _label(self, alert: str) -> str:
        return alert if alert in self._names else OTHER
