from __future__ import annotations

import time
from dataclasses import replace

from alerting.responder.healing.healing_metrics import HealingMetrics
from alerting.responder.healing.planner import Decision
from apps.telemetry.metrics import Metrics
from tests.unit.alerting.responder.healing.samples import (
    HUNG,
    LIMITS,
    SERVICES,
    SNAPSHOT,
    restarted,
)
from tests.unit.alerting.responder.healing.test_grafana_annotator import RECORD


def test_counters_start_at_zero() -> None:
    metrics = Metrics()
    gauges, value = HealingMetrics(metrics), metrics.registry.get_sample_value
    acted = {"action": "restart", "code": "approved"}
    done = {"action": "restart", "state": "done"}
    assert value("responder_decisions_total", acted) == 0
    assert value("responder_actions_total", done) == 0
    gauges.on_decision(HUNG, Decision("restart", "web-1", "approved", "so"))
    gauges.on_action_finished(RECORD, "done", "")
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
    HealingMetrics(metrics).on_action_finished(
        replace(RECORD, action=replace(RECORD.action, started_at=started_at)), "done", ""
    )
    labels = {"alert": RECORD.alert, "action": RECORD.action.kind}
    seconds = metrics.registry.get_sample_value("responder_action_duration_seconds", labels)
    assert seconds is not None
    assert 5 <= seconds < 6
