"""The Prometheus metrics about notifications and the watchdog that the responder exposes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from apps.telemetry.metrics import Metrics

from .webhook_payload import Alert, Notification

OUTCOMES = ("stored", "duplicate", "malformed", "failed")
OTHER = "other"


class ResponderMetrics:
    """The responder's metrics; `runbooks` are the alerts that may be label values."""

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
