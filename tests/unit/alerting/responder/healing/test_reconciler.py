from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.responder.clients import AlertmanagerAlert
from tests.unit.alerting.responder.healing.conftest import (
    Stack,
    after,
    to_alertmanager_alert,
)
from tests.unit.alerting.responder.healing.samples import BEGAN, LIMITS, instance

DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
MISSED = AlertmanagerAlert("f", DOWN, BEGAN, silenced=False, notifies_responder=True)


def test_down_instance_is_restarted(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    (record,) = stack.submitted
    assert (record.action.kind, record.action.target, record.grace_period) == (
        "restart",
        "web-1",
        0,
    )
    assert stack.codes() == ["approved"]


def test_repeated_alert_acts_once(stack: Stack) -> None:
    for second in range(5):
        stack.notify()
        stack.reconcile(second + 1)
    assert len(stack.stores.actions.find(10)) == 1


def test_notifications_out_of_order_act_once(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.notify("InstanceDown", "resolved")
    stack.reconcile(2)
    stack.notify()
    stack.reconcile(100)
    assert len(stack.stores.actions.find(10)) == 1


def test_repeated_decision_is_recorded_once(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.reconcile(1, 2, 3)
    assert stack.codes() == ["manual"]


def test_decision_is_recorded_again_if_the_alert_fires_anew(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.reconcile(1)
    stack.notify("ClockSkew", "resolved")
    stack.reconcile(2)
    stack.notify("ClockSkew", "firing", "2025-11-23T18:00:00Z")
    stack.reconcile(3601)
    assert stack.codes() == ["manual"] * 2


def test_excluded_instance_is_skipped(stack: Stack) -> None:
    stack.control_api.instances = [instance(1), instance(3, "down")]
    stack.notify(instance="web-3")
    stack.reconcile(1)
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])
    assert "under investigation" in stack.stores.actions.decisions(1)[0]["reason"]


def test_unavailable_control_api_is_recorded(stack: Stack) -> None:
    stack.control_api.down = True
    stack.notify()
    stack.reconcile(1)
    assert stack.codes() == ["control_api_unavailable"]
    stack.control_api.down = False
    stack.reconcile(2)
    assert stack.codes() == ["control_api_unavailable", "approved"]


@pytest.mark.parametrize(
    ("alert", "kind", "instances"),
    [("Saturated", "scale_out", 4), ("Overprovisioned", "scale_in", 2)],
)
def test_service_is_scaled(stack: Stack, alert: str, kind: str, instances: int) -> None:
    stack.notify(alert, instance="")
    stack.reconcile(1)
    (record,) = stack.submitted
    assert (record.action.kind, record.action.target) == (kind, "web")
    assert record.instances == instances


def test_restart_repeats_while_the_alert_fires(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.stores.actions.finish(stack.submitted[0].id, "failed", "no", after(2))
    stack.reconcile(3, 32)
    assert stack.codes() == ["approved", "cooldown", "approved"]


def test_exhausted_budget_opens_the_circuit(stack: Stack) -> None:
    stack.notify()
    second = 0.0
    while stack.stores.flags.since("circuit_open") is None and second < 590:
        second += 10
        stack.reconcile(second)
        for record in stack.stores.actions.running():
            stack.stores.actions.finish(record.id, "done", "", after(second))
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes()[-1] == "budget_exhausted"
    stack.reconcile(second + 1)
    assert stack.codes()[-1] == "circuit_open"
    assert stack.metrics.registry.get_sample_value("responder_circuit_open") == 1
    assert stack.metrics.registry.get_sample_value("responder_budget_remaining") == 0


def test_circuit_closes_after_the_window(stack: Stack) -> None:
    stack.stores.flags.set("circuit_open", BEGAN)
    stack.notify()
    stack.reconcile(LIMITS.window - 1)
    assert stack.codes() == ["circuit_open"]
    stack.reconcile(LIMITS.window)
    assert stack.codes() == ["circuit_open", "approved"]


def test_storm_gets_only_the_budget(stack: Stack) -> None:
    stack.control_api.instances = [instance(number, "down") for number in range(500)]
    stack.control_api.services = {}
    for number in range(500):
        stack.notify(instance=f"web-{number}")
    for second in range(60):
        stack.reconcile(second + 1)
        for record in stack.stores.actions.running():
            stack.stores.actions.finish(record.id, "done", "", after(second + 1))
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes().count("budget_exhausted") == 1
    assert len({item["fingerprint"] for item in stack.stores.actions.decisions(9999)}) == 500


def test_dry_run_starts_no_action(stack: Stack) -> None:
    stack.start(dry_run=True)
    stack.notify()
    stack.reconcile(1, 2)
    assert stack.submitted == []
    (item,) = stack.stores.actions.find(10)
    assert (item["dry_run"], item["state"]) == (1, "done")
    assert stack.codes() == ["approved", "cooldown"]


def test_pause_starts_no_action(stack: Stack) -> None:
    stack.stores.flags.set("paused", BEGAN)
    stack.notify()
    stack.reconcile(1)
    assert stack.codes() == ["paused"]
    assert stack.metrics.registry.get_sample_value("responder_paused") == 1


def test_alert_that_was_taken_over_is_excluded(stack: Stack) -> None:
    stack.notify()
    (firing,) = stack.stores.alerts.firing()
    stack.stores.alerts.take_over(firing.fingerprint)
    stack.reconcile(1)
    assert stack.codes() == ["excluded"]


def test_interrupted_action_is_resumed(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.running = False  # the responder was restarted
    stack.start()
    stack.reconcile(2)
    first, again = stack.submitted
    assert first.key == again.key
    assert len(stack.stores.actions.find(10)) == 1


def test_running_action_is_not_submitted_again(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1, 2, 3)
    assert len(stack.submitted) == 1


def test_resolved_alert_cancels_an_interrupted_action(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.running = False
    stack.notify("InstanceDown", "resolved")
    stack.start()
    stack.reconcile(2)
    (item,) = stack.stores.actions.find(10)
    assert (item["state"], len(stack.submitted)) == ("cancelled", 1)
    assert item["message"] == "its alert was resolved before it could resume"
    ended = {"action": "restart", "state": "cancelled"}
    assert stack.metrics.registry.get_sample_value("responder_actions_total", ended) == 1


def test_resolution_is_recorded_on_the_action(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.notify("InstanceDown", "resolved")
    stack.reconcile(9)
    assert stack.stores.actions.find(10)[0]["alert_resolved_at"] == "2025-11-23T17:00:09.000Z"


def test_min_replicas_are_set_while_nothing_fires(stack: Stack) -> None:
    stack.resync(1)
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) == 2


def test_resync_without_control_api_is_harmless(stack: Stack) -> None:
    stack.control_api.down = True
    stack.resync(1)
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) is None


def test_silenced_alert_is_excluded(stack: Stack) -> None:
    stack.notify()
    (firing,) = stack.stores.alerts.firing()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(firing, silenced=True, notifies_responder=False)
    ]
    stack.reconcile(1)
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])


def test_alert_that_alertmanager_lost_is_over(stack: Stack) -> None:
    stack.notify()
    stack.alertmanager_alerts = []
    stack.reconcile(1)
    assert stack.submitted == []
    assert stack.stores.alerts.firing() == []


def test_missed_alert_is_adopted(stack: Stack) -> None:
    stack.alertmanager_alerts = [MISSED]
    stack.resync(LIMITS.staleness - 1)
    assert stack.stores.alerts.firing() == []
    stack.resync(LIMITS.staleness + 1)
    stack.reconcile(LIMITS.staleness + 1)
    assert [record.action.target for record in stack.submitted] == ["web-1"]


def test_silenced_alert_is_not_adopted(stack: Stack) -> None:
    stack.alertmanager_alerts = [replace(MISSED, notifies_responder=False)]
    stack.resync(3600)
    assert stack.stores.alerts.firing() == []


def test_lost_alert_comes_back(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.notify()
    alerts = [to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()]
    stack.alertmanager_alerts = []  # it has restarted
    stack.reconcile(1)
    assert stack.stores.alerts.firing() == []
    stack.alertmanager_alerts = alerts
    stack.resync(LIMITS.staleness + 1)
    assert len(stack.stores.alerts.firing()) == 2


def test_resolved_alert_is_not_adopted(stack: Stack) -> None:
    stack.notify()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()
    ]
    stack.notify("InstanceDown", "resolved")
    stack.resync(3600)
    assert stack.stores.alerts.firing() == []


def test_fresh_notification_counts_without_alertmanager(stack: Stack) -> None:
    stack.alertmanager_answers = False
    stack.notify()
    stack.reconcile(1)
    assert len(stack.submitted) == 1


def test_stale_notification_does_not_count(stack: Stack) -> None:
    stack.alertmanager_answers = False
    stack.notify()
    stack.reconcile(LIMITS.staleness + 1)
    assert stack.codes() == ["unconfirmed"]


@pytest.mark.parametrize("fires", [[], [MISSED]], ids=["nothing", "another"])
def test_manual_alert_needs_no_confirmation(stack: Stack, fires: list[AlertmanagerAlert]) -> None:
    stack.alertmanager_alerts = fires
    stack.notify("ClockSkew")
    stack.reconcile(1)
    assert len(stack.stores.alerts.firing()) == 1
