from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting.responder.clients import AlertmanagerAlert
from alerting.responder.healing.reconciler import Reconciler
from tests.unit.alerting.responder.healing.conftest import (
    Stack,
    after,
    make,
    to_alertmanager_alert,
)
from tests.unit.alerting.responder.healing.samples import BEGAN, LIMITS, instance

Notify = Callable[..., None]
DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
MISSED = AlertmanagerAlert("f", DOWN, BEGAN, silenced=False, notifies_responder=True)


def test_down_instance_is_restarted(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify()
    reconciler.reconcile(after(1))
    (record,) = stack.submitted
    assert (record.action.kind, record.action.target, record.grace_period) == (
        "restart",
        "web-1",
        0,
    )
    assert stack.codes() == ["approved"]


def test_repeated_alert_acts_once(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    for second in range(5):
        notify()
        reconciler.reconcile(after(second + 1))
    assert len(stack.stores.actions.find(10)) == 1


def test_notifications_out_of_order_act_once(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    reconciler.reconcile(after(1))
    notify("InstanceDown", "resolved")
    reconciler.reconcile(after(2))
    notify()
    reconciler.reconcile(after(100))
    assert len(stack.stores.actions.find(10)) == 1


def test_repeated_decision_is_recorded_once(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify("ClockSkew")
    for second in range(3):
        reconciler.reconcile(after(second + 1))
    assert stack.codes() == ["manual"]
    assert len(stack.stores.actions.decisions(10)) == 1


def test_decision_is_recorded_again_if_the_alert_fires_anew(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify("ClockSkew")
    reconciler.reconcile(after(1))
    notify("ClockSkew", "resolved")
    reconciler.reconcile(after(2))
    notify("ClockSkew", "firing", "2025-11-23T18:00:00Z")
    reconciler.reconcile(after(3601))
    assert stack.codes() == ["manual"] * 2


def test_healthy_instance_is_skipped(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    stack.control_api.instances = [instance(1), instance(2)]
    notify()
    reconciler.reconcile(after(1))
    assert (stack.submitted, stack.codes()) == ([], ["already_healthy"])


def test_unlabelled_instance_is_skipped(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.control_api.instances = [replace(instance(1, "down"), healing_enabled=False)]
    notify()
    reconciler.reconcile(after(1))
    assert (stack.submitted, stack.codes()) == ([], ["no_target"])


def test_excluded_instance_is_skipped(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    stack.control_api.instances = [instance(1), instance(3, "down")]
    notify(instance="web-3")
    reconciler.reconcile(after(1))
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])
    assert "under investigation" in stack.stores.actions.decisions(1)[0]["reason"]


def test_unavailable_control_api_is_recorded(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.control_api.down = True
    notify()
    reconciler.reconcile(after(1))
    assert stack.codes() == ["control_api_unavailable"]
    stack.control_api.down = False
    reconciler.reconcile(after(2))
    assert stack.codes() == ["control_api_unavailable", "approved"]


def test_saturated_service_scales_out(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify("Saturated", instance="")
    reconciler.reconcile(after(1))
    (record,) = stack.submitted
    assert (record.action.kind, record.action.target, record.instances) == ("scale_out", "web", 4)


def test_idle_service_scales_in(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify("Overprovisioned", instance="")
    reconciler.reconcile(after(1))
    assert [record.instances for record in stack.submitted] == [2]


def test_restart_repeats_while_the_alert_fires(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    reconciler.reconcile(after(1))
    stack.stores.actions.finish(stack.submitted[0].id, "failed", "no", after(2))
    reconciler.reconcile(after(3))
    reconciler.reconcile(after(32))
    assert stack.codes() == ["approved", "cooldown", "approved"]


def test_exhausted_budget_opens_the_circuit(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    second = 0.0
    while stack.stores.flags.since("circuit_open") is None and second < 590:
        second += 10
        reconciler.reconcile(after(second))
        for record in stack.stores.actions.running():
            stack.stores.actions.finish(record.id, "done", "", after(second))
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes()[-1] == "budget_exhausted"
    reconciler.reconcile(after(second + 1))
    assert stack.codes()[-1] == "circuit_open"
    assert stack.metrics.registry.get_sample_value("responder_circuit_open") == 1
    assert stack.metrics.registry.get_sample_value("responder_budget_remaining") == 0


def test_circuit_closes_after_the_window(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.stores.flags.set("circuit_open", BEGAN)
    notify()
    reconciler.reconcile(after(LIMITS.window - 1))
    assert stack.codes() == ["circuit_open"]
    reconciler.reconcile(after(LIMITS.window))
    assert stack.codes() == ["circuit_open", "approved"]


def test_storm_gets_only_the_budget(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    stack.control_api.instances = [instance(number, "down") for number in range(500)]
    stack.control_api.services = {}
    for number in range(500):
        notify(instance=f"web-{number}")
    for second in range(60):
        reconciler.reconcile(after(second + 1))
        for record in stack.stores.actions.running():
            stack.stores.actions.finish(record.id, "done", "", after(second + 1))
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes().count("budget_exhausted") == 1
    assert len({item["fingerprint"] for item in stack.stores.actions.decisions(9999)}) == 500


def test_dry_run_starts_no_action(stack: Stack, notify: Notify) -> None:
    reconciler = make(stack, dry_run=True)
    notify()
    for second in (1, 2):
        reconciler.reconcile(after(second))
    assert stack.submitted == []
    (item,) = stack.stores.actions.find(10)
    assert (item["dry_run"], item["state"]) == (1, "done")
    assert stack.codes() == ["approved", "cooldown"]


def test_pause_starts_no_action(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    stack.stores.flags.set("paused", BEGAN)
    notify()
    reconciler.reconcile(after(1))
    assert stack.codes() == ["paused"]
    assert stack.metrics.registry.get_sample_value("responder_paused") == 1


def test_alert_that_was_taken_over_is_excluded(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    (firing,) = stack.stores.alerts.firing()
    stack.stores.alerts.take_over(firing.fingerprint)
    reconciler.reconcile(after(1))
    assert stack.codes() == ["excluded"]


def test_interrupted_action_is_resumed(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    reconciler.reconcile(after(1))
    stack.running = False  # the responder was restarted
    make(stack).reconcile(after(2))
    first, again = stack.submitted
    assert first.key == again.key
    assert len(stack.stores.actions.find(10)) == 1


def test_running_action_is_not_submitted_again(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    for second in range(3):
        reconciler.reconcile(after(second + 1))
    assert len(stack.submitted) == 1


def test_resolved_alert_cancels_an_interrupted_action(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    reconciler.reconcile(after(1))
    stack.running = False
    notify("InstanceDown", "resolved")
    make(stack).reconcile(after(2))
    (item,) = stack.stores.actions.find(10)
    assert (item["state"], len(stack.submitted)) == ("cancelled", 1)
    assert item["message"] == "its alert was resolved before it could resume"
    ended = {"action": "restart", "state": "cancelled"}
    assert stack.metrics.registry.get_sample_value("responder_actions_total", ended) == 1


def test_resolution_is_recorded_on_the_action(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    reconciler.reconcile(after(1))
    notify("InstanceDown", "resolved")
    reconciler.reconcile(after(9))
    assert stack.stores.actions.find(10)[0]["alert_resolved_at"] == "2025-11-23T17:00:09.000Z"


def test_min_replicas_are_set_while_nothing_fires(stack: Stack, reconciler: Reconciler) -> None:
    reconciler.resync(after(1))
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) == 2


def test_resync_without_control_api_is_harmless(stack: Stack, reconciler: Reconciler) -> None:
    stack.control_api.down = True
    reconciler.resync(after(1))
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) is None


def test_silenced_alert_is_excluded(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify()
    (firing,) = stack.stores.alerts.firing()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(firing, silenced=True, notifies_responder=False)
    ]
    reconciler.reconcile(after(1))
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])


def test_alert_that_alertmanager_lost_is_over(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    stack.alertmanager_alerts = []
    reconciler.reconcile(after(1))
    assert stack.submitted == []
    assert stack.stores.alerts.firing() == []


def test_missed_alert_is_adopted(stack: Stack, reconciler: Reconciler) -> None:
    stack.alertmanager_alerts = [MISSED]
    reconciler.resync(after(LIMITS.staleness - 1))
    assert stack.stores.alerts.firing() == []
    reconciler.resync(after(LIMITS.staleness + 1))
    reconciler.reconcile(after(LIMITS.staleness + 1))
    assert [record.action.target for record in stack.submitted] == ["web-1"]


def test_silenced_alert_is_not_adopted(stack: Stack, reconciler: Reconciler) -> None:
    stack.alertmanager_alerts = [replace(MISSED, notifies_responder=False)]
    reconciler.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_lost_alert_comes_back(stack: Stack, reconciler: Reconciler, notify: Notify) -> None:
    notify("ClockSkew")
    notify()
    alerts = [to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()]
    stack.alertmanager_alerts = []  # it has restarted
    reconciler.reconcile(after(1))
    assert stack.stores.alerts.firing() == []
    stack.alertmanager_alerts = alerts
    reconciler.resync(after(LIMITS.staleness + 1))
    assert len(stack.stores.alerts.firing()) == 2


def test_resolved_alert_is_not_adopted(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    notify()
    stack.alertmanager_alerts = [
        to_alertmanager_alert(alert) for alert in stack.stores.alerts.firing()
    ]
    notify("InstanceDown", "resolved")
    reconciler.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_fresh_notification_counts_without_alertmanager(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.alertmanager_answers = False
    notify()
    reconciler.reconcile(after(1))
    assert len(stack.submitted) == 1


def test_stale_notification_does_not_count(
    stack: Stack, reconciler: Reconciler, notify: Notify
) -> None:
    stack.alertmanager_answers = False
    notify()
    reconciler.reconcile(after(LIMITS.staleness + 1))
    assert stack.codes() == ["unconfirmed"]


@pytest.mark.parametrize("fires", [[], [MISSED]], ids=["nothing", "another"])
def test_manual_alert_needs_no_confirmation(
    stack: Stack, reconciler: Reconciler, notify: Notify, fires: list[AlertmanagerAlert]
) -> None:
    stack.alertmanager_alerts = fires
    notify("ClockSkew")
    reconciler.reconcile(after(1))
    assert len(stack.stores.alerts.firing()) == 1
