"""The responder's own metrics."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from apps.telemetry.metrics import Metrics

from .payload import Notification

OUTCOMES = ("stored", "repeated", "malformed", "failed")
OTHER = "other"


class ResponderMetrics:
    """What the responder counts; `runbooks` are the alerts that may be label values."""

    def __init__(self, metrics: Metrics, runbooks: Collection[str]) -> None:
        self._names = frozenset(runbooks)
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
            "responder_watchdog_late", "1 while Watchdog stays away too long.", mode="livemax"
        )
        for outcome in OUTCOMES:  # so that the first of a kind is seen as an increase
            self._webhooks.labels(outcome)

    def count_webhook(self, outcome: str) -> None:
        """Count one webhook."""
        self._webhooks.labels(outcome).inc()

    def count_notification(self, notification: Notification) -> None:
        """Count one stored notification."""
        known = {(self._label(alert.name), alert.status) for alert in notification.alerts}
        for alert, status in known:
            self._notifications.labels(alert, status).inc()

    def observe_watchdog(self, last_seen: datetime, is_late: bool) -> None:
        """Show what the watchdog's check found."""
        self._last_seen.set(last_seen.timestamp())
        self._late.set(int(is_late))

    def _label(self, alert: str) -> str:
        return alert if alert in self._names else OTHER
