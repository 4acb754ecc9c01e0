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
from tests.unit.alerting.responder.healing.test_grafana_annotator import DEED


def test_decisions_and_ends_are_budget_reset_at_zero() -> None:
    metrics = Metrics()
    gauges, value = HealingMetrics(metrics), metrics.registry.get_sample_value
    acted = {"action": "restart", "code": "approved"}
    done = {"action": "restart", "state": "done"}
    assert value("responder_decisions_total", acted) == 0
    assert value("responder_actions_total", done) == 0
    gauges.on_decision(HUNG, Decision("restart", "web-1", "approved", "so"))
    gauges.on_action_finished(DEED, "done", "")
    assert value("responder_decisions_total", acted) == 1
    assert value("responder_actions_total", done) == 1


def test_what_is_left_of_the_budget_is_shown() -> None:
    metrics = Metrics()
    HealingMetrics(metrics).update(
        replace(SNAPSHOT, recent_actions=[restarted(5)] * 2, paused=True), LIMITS
    )
    value = metrics.registry.get_sample_value
    assert (value("responder_budget_remaining"), value("responder_paused")) == (3, 1)
    assert value("responder_circuit_open") == 0


def test_only_min_replicas_of_what_heals_are_shown() -> None:
    metrics = Metrics()
    web = replace(SERVICES["web"], heals=False)
    HealingMetrics(metrics).update_min_replicas({**SERVICES, "web": web})
    value = metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "data-service"}) == 2
    assert value("responder_min_replicas", {"scaled_service": "web"}) is None


def test_length_of_the_last_action_is_shown() -> None:
    metrics = Metrics()
    started_at = time.time() - 5
    HealingMetrics(metrics).on_action_finished(
        replace(DEED, action=replace(DEED.action, started_at=started_at)), "done", ""
    )
    labels = {"alert": DEED.alert, "action": DEED.action.kind}
    found = metrics.registry.get_sample_value("responder_action_duration_seconds", labels)
    assert found is not None
    assert 5 <= found < 6
