from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from alerting.responder.metrics import ResponderMetrics
from alerting.responder.payload import Notification
from apps.telemetry.metrics import Metrics


@pytest.fixture
def telemetry() -> Metrics:
    return Metrics()


@pytest.fixture
def metrics(telemetry: Metrics) -> ResponderMetrics:
    return ResponderMetrics(telemetry, ["Watchdog"])


def test_every_outcome_starts_at_zero(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    for outcome in ("stored", "repeated", "malformed", "failed"):
        labels = {"outcome": outcome}
        assert telemetry.registry.get_sample_value("responder_webhooks_total", labels) == 0


def test_unknown_alerts_share_one_series(
    telemetry: Metrics, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    for alert in ("Watchdog", "Forged1", "Forged2"):
        metrics.count_notification(notification(alert))
    name, values = "responder_notifications_total", telemetry.registry.get_sample_value
    assert values(name, {"alert": "Watchdog", "status": "firing"}) == 1
    assert values(name, {"alert": "other", "status": "firing"}) == 2
    assert values(name, {"alert": "Forged1", "status": "firing"}) is None


def test_watchdog_gauges_show_the_check(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    metrics.observe_watchdog(datetime(2025, 11, 23, 17, tzinfo=UTC), True)
    value = telemetry.registry.get_sample_value
    assert value("responder_watchdog_late") == 1
    assert value("responder_watchdog_last_seen_timestamp_seconds") == 1763917200
