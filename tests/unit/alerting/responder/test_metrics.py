from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.responder.metrics import HealingMetrics, ResponderMetrics
from alerting.responder.notifications import Notification
from apps.telemetry.metrics import Metrics
from tests.unit.alerting.responder.healing.samples import (
    LIMITS,
    RECORD,
    SERVICES,
    SNAPSHOT,
    restarted,
)

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
    telemetry: Metrics,
    metrics: ResponderMetrics,
    notification: Callable[..., Notification],
    notifications: list[tuple[str, str, int]],
    phase: str,
    seconds: float,
) -> None:
    for status, start, after in notifications:
        message = notification("Watchdog", status, starts=f"2025-11-23T{start}Z")
        metrics.count_notification(message, NOW + timedelta(seconds=after))
    labels = {"alert": "Watchdog", "phase": phase}
    assert telemetry.registry.get_sample_value("responder_alert_seconds", labels) == seconds


def test_info_has_the_address(telemetry: Metrics, metrics: ResponderMetrics) -> None:
    metrics.set_info("http://127.0.0.1:8090")
    labels = {"url": "http://127.0.0.1:8090"}
    assert telemetry.registry.get_sample_value("responder_info", labels) == 1


def test_counters_of_healing_start_at_zero() -> None:
    metrics = Metrics()
    gauges, value = HealingMetrics(metrics), metrics.registry.get_sample_value
    acted = {"action": "restart", "code": "approved"}
    done = {"action": "restart", "state": "done"}
    assert value("responder_decisions_total", acted) == 0
    assert value("responder_actions_total", done) == 0
    gauges.count_decision("restart", "approved")
    gauges.count_action(RECORD, "done")
    assert value("responder_decisions_total", acted) == 1
    assert value("responder_actions_total", done) == 1


def test_remaining_budget_is_set() -> None:
    metrics = Metrics()
    HealingMetrics(metrics).update(
        replace(SNAPSHOT, recent_actions=[restarted(5)] * 2, paused=True), LIMITS
    )
    value = metrics.registry.get_sample_value
    assert (value("responder_budget_remaining"), value("responder_paused")) == (3, 1)
    assert value("responder_circuit_open") == 0


def test_min_replicas_need_the_heal_label() -> None:
    metrics = Metrics()
    web = replace(SERVICES["web"], healing_enabled=False)
    HealingMetrics(metrics).update_min_replicas({**SERVICES, "web": web})
    value = metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "data-service"}) == 2
    assert value("responder_min_replicas", {"scaled_service": "web"}) is None


def test_duration_of_the_last_action_is_set() -> None:
    metrics = Metrics()
    started_at = time.time() - 5
    HealingMetrics(metrics).count_action(
        replace(RECORD, action=replace(RECORD.action, started_at=started_at)), "done"
    )
    labels = {"alert": RECORD.alert, "action": RECORD.action.kind}
    seconds = metrics.registry.get_sample_value("responder_action_duration_seconds", labels)
    assert seconds is not None
    assert 5 <= seconds < 6
