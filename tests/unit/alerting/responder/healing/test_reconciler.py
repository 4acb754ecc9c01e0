from __future__ import annotations

from dataclasses import replace

import pytest

from alerting.responder.clients import AlertmanagerAlert
from alerting.responder.notifications import ADOPTED, Filters, NotificationStore
from tests.unit.alerting.responder.healing.conftest import Stack, after, to_alertmanager_alert
from tests.unit.alerting.responder.healing.samples import BEGAN, LIMITS, instance

DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
MISSED = AlertmanagerAlert("f", DOWN, BEGAN, silenced=False, notifies_responder=True)


def test_down_instance_is_restarted_once(stack: Stack) -> None:
    for second in range(5):
        stack.notify()
        stack.reconcile(second + 1)
    (action,) = stack.submitted
    assert (action.kind, action.target, action.grace_period) == ("restart", "web-1", 0)
    assert action.started_at == after(1).timestamp()
    assert len(stack.store.find(10)) == 1
    decision = stack.store.decisions(10)[-1]
    assert (decision["action"], decision["action_id"]) == ("restart", action.id)


def test_notifications_out_of_order_act_once(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.notify("InstanceDown", "resolved")
    stack.reconcile(2)
    stack.notify()
    stack.reconcile(100)
    assert len(stack.store.find(10)) == 1


def test_decision_is_recorded_once_until_the_alert_fires_anew(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.reconcile(1, 2, 3)
    assert stack.codes() == ["manual"]
    stack.notify("ClockSkew", "resolved")
    stack.reconcile(4)
    stack.notify("ClockSkew", "firing", "2025-11-23T18:00:00Z")
    stack.reconcile(3601)
    assert stack.codes() == ["manual"] * 2


def test_excluded_instance_is_skipped(stack: Stack) -> None:
    stack.control_api.instances = [instance(1), instance(3, "stopped")]
    stack.notify(instance="web-3")
    stack.reconcile(1)
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])
    assert "under investigation" in stack.store.decisions(1)[0]["reason"]


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
    (action,) = stack.submitted
    assert (action.kind, action.target, action.instances) == (kind, "web", instances)


def test_restart_repeats_while_the_alert_fires(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.store.finish(stack.submitted[0].id, "failed", "no", after(2))
    stack.reconcile(3, 32)
    assert stack.codes() == ["approved", "cooldown", "approved"]


def test_exhausted_budget_opens_the_circuit_for_a_window(stack: Stack) -> None:
    stack.notify()
    second = 0.0
    while not stack.store.flags()["circuit_open"] and second < 590:
        second += 10
        stack.reconcile(second)
        stack.finish_all(second)
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes()[-1] == "budget_exhausted"
    stack.reconcile(second + 1)
    assert stack.codes()[-1] == "circuit_open"
    assert stack.metric("circuit_open", scaled_service="web") == 1
    assert stack.metric("budget_remaining", scaled_service="web") == 0
    stack.reconcile(second + LIMITS.window - 1)
    assert stack.codes()[-1] == "circuit_open"
    stack.reconcile(second + LIMITS.window)
    assert stack.codes()[-1] == "approved"
    assert stack.metric("circuit_open", scaled_service="web") == 0


def test_service_is_healed_while_the_circuit_of_another_is_open(stack: Stack) -> None:
    stack.notify()
    for second in range(0, 590, 10):
        stack.reconcile(second)
        stack.finish_all(second)
    assert "budget_exhausted" in stack.codes()
    stack.control_api.instances.append(instance(1, "stopped", "data-service"))
    stack.notify(service="data-service", instance="data-service-1")
    stack.reconcile(600)
    assert stack.submitted[-1].target == "data-service-1"
    for service, remaining in {"web": 0, "data-service": LIMITS.budget - 1}.items():
        assert stack.metric("budget_remaining", scaled_service=service) == remaining


def test_storm_gets_only_the_budget(stack: Stack) -> None:
    stack.control_api.instances = [instance(number, "failed") for number in range(500)]
    for number in range(500):
        stack.notify(instance=f"web-{number}")
    for second in range(1, 61):
        stack.reconcile(second)
        stack.finish_all(second)
    assert len(stack.submitted) == LIMITS.budget
    assert stack.codes().count("budget_exhausted") == 1
    assert len({item["fingerprint"] for item in stack.store.decisions(9999)}) == 500


def test_dry_run_starts_no_action(stack: Stack) -> None:
    stack.start(dry_run=True)
    stack.notify()
    stack.reconcile(1, 2)
    assert stack.submitted == []
    (item,) = stack.store.find(10)
    assert (item["dry_run"], item["state"], item["finished_at"]) == (1, "done", item["started_at"])
    assert stack.codes() == ["approved", "cooldown"]


def test_pause_starts_no_action(stack: Stack) -> None:
    stack.store.set_flag("paused", BEGAN)
    stack.notify()
    stack.reconcile(1)
    assert stack.codes() == ["paused"]
    assert stack.metric("paused") == 1


def test_interrupted_action_is_resumed(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.running = False  # the responder was restarted
    stack.start()
    stack.reconcile(2)
    first, again = stack.submitted
    assert first.key == again.key
    assert len(stack.store.find(10)) == 1


def test_resolved_alert_cancels_an_interrupted_action(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.running = False
    stack.notify("InstanceDown", "resolved")
    stack.start()
    stack.reconcile(2)
    (item,) = stack.store.find(10)
    assert (item["state"], len(stack.submitted)) == ("cancelled", 1)
    assert item["message"] == "its alert was resolved before it could resume"
    assert stack.metric("actions_total", action="restart", state="cancelled") == 1


def test_resolution_is_recorded_on_the_action_once(stack: Stack) -> None:
    stack.notify()
    stack.reconcile(1)
    stack.notify("InstanceDown", "resolved")
    stack.reconcile(9, 10)
    assert stack.store.find(10)[0]["alert_resolved_at"] == "2025-11-23T17:00:09.000Z"


@pytest.mark.parametrize(("down", "replicas"), [(False, 2), (True, None)])
def test_resync_sets_min_replicas(stack: Stack, down: bool, replicas: int | None) -> None:
    stack.control_api.down = down
    stack.reconciler.resync(after(1))
    assert stack.metric("min_replicas", scaled_service="web") == replicas


def test_silenced_alert_is_excluded(stack: Stack) -> None:
    stack.notify()
    (firing,) = stack.store.firing()
    stack.alerts = [to_alertmanager_alert(firing, silenced=True, notifies_responder=False)]
    stack.reconcile(1)
    assert (stack.submitted, stack.codes()) == ([], ["excluded"])


def test_missed_alert_is_adopted(stack: Stack) -> None:
    stack.alerts = [MISSED]
    stack.reconciler.resync(after(LIMITS.staleness - 1))
    assert stack.store.firing() == []
    stack.reconciler.resync(after(LIMITS.staleness + 1))
    stack.reconcile(LIMITS.staleness + 1)
    assert [action.target for action in stack.submitted] == ["web-1"]


def test_adopted_alert_is_stored_as_a_notification_once(
    stack: Stack, inbox: NotificationStore
) -> None:
    stack.alerts = [replace(MISSED, annotations={"summary": "web-1 is down."})]
    for seconds in (1, 6):
        stack.reconciler.resync(after(LIMITS.staleness + seconds))
    (stored,) = inbox.find(Filters(alert="InstanceDown", status="firing"))
    assert (stored["receiver"], stored["group_key"]) == ("responder", ADOPTED)
    (alert,) = stored["alerts"]
    assert alert["instance"] == "web-1"
    assert alert["annotations"] == {"summary": "web-1 is down."}
    assert stack.metric("alerts_adopted_total") == 1


def test_alerts_that_a_notification_omits_are_adopted(
    stack: Stack, inbox: NotificationStore
) -> None:
    stack.notify(instance="web-2")
    (notified,) = stack.store.firing()
    stack.alerts = [to_alertmanager_alert(notified), MISSED]
    stack.reconciler.resync(after(LIMITS.staleness + 1))
    stack.reconcile(LIMITS.staleness + 1)
    assert len(inbox.find(Filters(alert="InstanceDown"))) == 2
    assert [action.target for action in stack.submitted] == ["web-1"]
    # One action of a service at a time; web-2 is ready.
    assert sorted(stack.codes()) == ["already_healthy", "approved"]


def test_silenced_alert_is_not_adopted(stack: Stack) -> None:
    stack.alerts = [replace(MISSED, notifies_responder=False)]
    stack.reconciler.resync(after(3600))
    assert stack.store.firing() == []


def test_alert_that_alertmanager_lost_is_over_until_it_comes_back(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.notify()
    alerts = [to_alertmanager_alert(alert) for alert in stack.store.firing()]
    stack.alerts = []  # it has restarted
    stack.reconcile(1)
    assert (stack.store.firing(), stack.submitted) == ([], [])
    stack.alerts = alerts
    stack.reconciler.resync(after(LIMITS.staleness + 1))
    assert len(stack.store.firing()) == 2


def test_alert_that_comes_back_is_decided_again(stack: Stack) -> None:
    stack.notify("ClockSkew")
    stack.notify()
    stack.reconcile(1)
    alerts = [to_alertmanager_alert(alert) for alert in stack.store.firing()]
    stack.alerts = []
    stack.reconcile(2)
    stack.alerts = alerts
    stack.reconciler.resync(after(LIMITS.staleness + 1))
    stack.reconcile(LIMITS.staleness + 1)
    assert stack.codes() == ["approved", "manual", "manual", "in_progress"]


def test_resolved_alert_is_not_adopted(stack: Stack) -> None:
    stack.notify()
    stack.alerts = [to_alertmanager_alert(alert) for alert in stack.store.firing()]
    stack.notify("InstanceDown", "resolved")
    stack.reconciler.resync(after(3600))
    assert stack.store.firing() == []


@pytest.mark.parametrize(
    ("seconds", "code"), [(1, "approved"), (LIMITS.staleness + 1, "unconfirmed")]
)
def test_only_fresh_notifications_count_without_alertmanager(
    stack: Stack, seconds: float, code: str
) -> None:
    stack.answers = False
    stack.notify()
    stack.reconcile(seconds)
    assert stack.codes() == [code]


def test_alert_that_was_only_posted_causes_no_action(stack: Stack) -> None:
    stack.evaluators.confirms = False
    stack.notify()
    stack.reconcile(1)
    assert (stack.codes(), stack.submitted) == (["unconfirmed"], [])
    stack.evaluators.confirms = True
    stack.reconcile(2)
    assert stack.codes() == ["unconfirmed", "approved"]


@pytest.mark.parametrize("fires", [[], [MISSED]], ids=["nothing", "another"])
def test_manual_alert_needs_no_confirmation(stack: Stack, fires: list[AlertmanagerAlert]) -> None:
    stack.alerts = fires
    stack.notify("ClockSkew")
    stack.reconcile(1)
    assert len(stack.store.firing()) == 1
