from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from alerting.responder.notification_metrics import ResponderMetrics
from alerting.responder.webhook_payload import Notification
from apps.telemetry.metrics import Metrics

NOW = datetime(2025, 11, 23, 17, tzinfo=UTC)


@pytest.fixture
def telemetry() -> Metrics:
    return Metrics()


@pytest.fixture
def metrics(telemetry: Metrics) -> ResponderMetrics:
    return ResponderMetrics(telemetry, ["Watchdog"])


def test_every_outcome_starts_at_zero(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    for outcome in ("stored", "duplicate", "malformed", "failed"):
        labels = {"outcome": outcome}
        assert telemetry.registry.get_sample_value("responder_webhooks_total", labels) == 0


def test_every_known_alert_starts_at_zero(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    labels = {"alert": "Watchdog", "status": "firing"}
    assert telemetry.registry.get_sample_value("responder_notifications_total", labels) == 0


def test_unknown_alerts_share_one_series(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    for alert in ("Watchdog", "Forged1", "Forged2"):
        metrics.count_notification(notification(alert), NOW)
    name, values = "responder_notifications_total", telemetry.registry.get_sample_value
    assert values(name, {"alert": "Watchdog", "status": "firing"}) == 1
    assert values(name, {"alert": "other", "status": "firing"}) == 2
    assert values(name, {"alert": "Forged1", "status": "firing"}) is None


def test_watchdog_gauges_have_the_check(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    metrics.set_watchdog(datetime(2025, 11, 23, 17, tzinfo=UTC), True)
    value = telemetry.registry.get_sample_value
    assert value("responder_watchdog_missing") == 1
    assert value("responder_watchdog_last_seen_timestamp_seconds") == 1763917200


def test_first_notification_sets_the_delay(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    begun = notification("Watchdog", starts="2025-11-23T16:59:48Z")
    metrics.count_notification(begun, NOW)
    labels = {"alert": "Watchdog", "phase": "notified"}
    assert telemetry.registry.get_sample_value("responder_alert_seconds", labels) == 12


def test_repeated_notification_keeps_the_delay(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    begun = notification("Watchdog", starts="2025-11-23T16:59:48Z")
    metrics.count_notification(begun, NOW)
    metrics.count_notification(begun, NOW + timedelta(hours=1))
    labels = {"alert": "Watchdog", "phase": "notified"}
    assert telemetry.registry.get_sample_value("responder_alert_seconds", labels) == 12


def test_alert_that_fires_again_sets_the_delay_again(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    for start, now in (("16:59:48", NOW), ("17:09:57", NOW + timedelta(minutes=10))):
        metrics.count_notification(notification("Watchdog", starts=f"2025-11-23T{start}Z"), now)
    labels = {"alert": "Watchdog", "phase": "notified"}
    assert telemetry.registry.get_sample_value("responder_alert_seconds", labels) == 3


def test_resolved_alert_sets_its_duration(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    over = notification("Watchdog", "resolved", starts="2025-11-23T16:59:00Z")
    metrics.count_notification(over, NOW)
    labels = {"alert": "Watchdog", "phase": "resolved"}
    (alert,) = over.alerts
    assert alert.ends_at
    fired = (alert.ends_at - alert.starts_at).total_seconds()
    assert telemetry.registry.get_sample_value("responder_alert_seconds", labels) == fired


def test_info_has_the_address(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    metrics.set_info("http://127.0.0.1:8090")
    labels = {"url": "http://127.0.0.1:8090"}
    assert telemetry.registry.get_sample_value("responder_info", labels) == 1
