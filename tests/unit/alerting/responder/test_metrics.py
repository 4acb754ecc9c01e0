from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertdrill_telemetry.metrics import Metrics
from alerting.responder.healing.snapshot import StackSnapshot
from alerting.responder.metrics import ResponderMetrics
from alerting.responder.notifications import Notification
from tests.unit.alerting.responder.healing.samples import (
    LIMITS,
    RUNNING,
    SERVICES,
    SNAPSHOT,
    restarted,
)

NOW = datetime(2025, 11, 23, 17, tzinfo=UTC)
Value = Callable[..., float | None]


@pytest.fixture
def telemetry() -> Metrics:
    return Metrics()


@pytest.fixture
def metrics(telemetry: Metrics) -> ResponderMetrics:
    return ResponderMetrics(telemetry, ["Watchdog"])


@pytest.fixture
def value(telemetry: Metrics) -> Value:
    """Return a function that reads a metric of the responder."""
    return lambda name, **labels: telemetry.registry.get_sample_value(f"responder_{name}", labels)


def test_counters_start_at_zero(value: Value, metrics: ResponderMetrics) -> None:
    for outcome in ("stored", "duplicate", "malformed", "failed"):
        assert value("webhooks_total", outcome=outcome) == 0
    assert value("notifications_total", alert="Watchdog", status="firing") == 0
    assert value("decisions_total", action="restart", code="approved") == 0
    assert value("decisions_total", action="none", code="cooldown") == 0
    assert value("actions_total", action="restart", state="done") == 0


def test_unknown_alerts_share_one_series(
    value: Value, metrics: ResponderMetrics, notification: Callable[..., Notification]
) -> None:
    for alert in ("Watchdog", "Forged1", "Forged2"):
        metrics.count_notification(notification(alert), NOW)
    assert value("notifications_total", alert="Watchdog", status="firing") == 1
    assert value("notifications_total", alert="other", status="firing") == 2
    assert value("notifications_total", alert="Forged1", status="firing") is None


def test_watchdog_gauges_have_the_check(value: Value, metrics: ResponderMetrics) -> None:
    metrics.set_watchdog(NOW, True)
    assert value("watchdog_missing") == 1
    assert value("watchdog_last_seen_timestamp_seconds") == 1763917200


@pytest.mark.parametrize(
    ("notifications", "phase", "seconds"),
    [
        ([("firing", "16:59:48", 0)], "notified", 12),
        # A repeated notification changes nothing; an alert that fires again does.
        ([("firing", "16:59:48", 0), ("firing", "16:59:48", 3600)], "notified", 12),
        ([("firing", "16:59:48", 0), ("firing", "17:09:57", 600)], "notified", 3),
        # It ends at 18:00, whenever that is notified.
        ([("resolved", "16:59:00", 0)], "resolved", 3660),
    ],
    ids=["first", "repeated", "again", "resolved"],
)
def test_alert_has_its_seconds(
    value: Value,
    metrics: ResponderMetrics,
    notification: Callable[..., Notification],
    notifications: list[tuple[str, str, int]],
    phase: str,
    seconds: float,
) -> None:
    for status, start, after in notifications:
        message = notification("Watchdog", status, starts=f"2025-11-23T{start}Z")
        metrics.count_notification(message, NOW + timedelta(seconds=after))
    assert value("alert_seconds", alert="Watchdog", phase=phase) == seconds


def test_healing_is_measured(value: Value, metrics: ResponderMetrics) -> None:
    def circuit_and_budget(service: str) -> tuple[float | None, float | None]:
        labels = {"scaled_service": service}
        return value("circuit_open", **labels), value("budget_remaining", **labels)

    metrics.update_min_replicas(SERVICES)
    recent = [restarted(5)] * LIMITS.budget
    exhausted = replace(SNAPSHOT, recent_actions=recent, open_circuits={"web": 1.0}, paused=True)
    metrics.update_healing(exhausted, LIMITS)
    assert value("paused") == 1
    assert circuit_and_budget("web") == (1, 0)
    assert circuit_and_budget("data-service") == (0, LIMITS.budget)
    metrics.update_healing(StackSnapshot(SNAPSHOT.now), LIMITS)  # nothing fires
    assert circuit_and_budget("web") == (0, LIMITS.budget)


def test_min_replicas_need_the_heal_label(value: Value, metrics: ResponderMetrics) -> None:
    web = SERVICES["web"].model_copy(update={"healing_enabled": False})
    metrics.update_min_replicas({**SERVICES, "web": web})
    assert value("min_replicas", scaled_service="data-service") == 2
    assert value("min_replicas", scaled_service="web") is None


def test_action_is_counted_with_its_duration(value: Value, metrics: ResponderMetrics) -> None:
    metrics.count_action(replace(RUNNING, started_at=time.time() - 5), "done")
    assert value("actions_total", action="restart", state="done") == 1
    seconds = value("action_duration_seconds", alert="InstanceHung", action="restart")
    assert seconds is not None
    assert 5 <= seconds < 6
