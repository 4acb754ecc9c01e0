from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alerting.responder.healing.reconciler import Reconciler
from tests.unit.alerting.responder.healing.conftest import BEGAN, Stack, after, codes, make
from tests.unit.alerting.responder.healing.samples import LIMITS, instance

Tell = Callable[..., None]


def test_a_down_instance_is_restarted(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    healer.reconcile(after(1))
    (deed,) = stack.submitted
    assert (deed.action.kind, deed.action.target, deed.grace_period) == ("restart", "web-1", 0)
    assert codes(stack) == ["approved"]


def test_the_same_alert_twice_acts_once(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    for second in range(5):
        tell()
        healer.reconcile(after(second + 1))
    assert len(stack.stores.actions.find(10)) == 1


def test_alerts_out_of_order_act_once(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    healer.reconcile(after(1))
    tell("InstanceDown", "resolved")
    healer.reconcile(after(2))
    tell()
    healer.reconcile(after(100))
    assert len(stack.stores.actions.find(10)) == 1


def test_a_decision_that_repeats_is_told_once(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell("ClockSkew")
    for second in range(3):
        healer.reconcile(after(second + 1))
    assert codes(stack) == ["manual"]
    assert len(stack.stores.actions.decisions(10)) == 1


def test_a_decision_is_told_again_when_it_fires_anew(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    tell("ClockSkew")
    healer.reconcile(after(1))
    tell("ClockSkew", "resolved")
    healer.reconcile(after(2))
    tell("ClockSkew", "firing", "2025-11-23T18:00:00Z")
    healer.reconcile(after(3601))
    assert codes(stack) == ["manual"] * 2


def test_a_healthy_instance_is_not_touched(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.runtime.instances = [instance(1), instance(2)]
    tell()
    healer.reconcile(after(1))
    assert (stack.submitted, codes(stack)) == ([], ["already_healthy"])


def test_an_unlabelled_instance_is_not_touched(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    stack.runtime.instances = [replace(instance(1, "down"), heals=False)]
    tell()
    healer.reconcile(after(1))
    assert (stack.submitted, codes(stack)) == ([], ["no_target"])


def test_an_excused_instance_is_not_touched(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.runtime.instances = [instance(1), instance(3, "down")]
    tell(instance="web-3")
    healer.reconcile(after(1))
    assert (stack.submitted, codes(stack)) == ([], ["excluded"])
    assert "it is being looked at" in stack.seen.decisions[0].reason


def test_without_the_control_api_it_says_so(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.away = True
    tell()
    healer.reconcile(after(1))
    assert codes(stack) == ["control_api_unavailable"]
    stack.away = False
    healer.reconcile(after(2))
    assert codes(stack) == ["control_api_unavailable", "approved"]


def test_a_saturated_service_gets_one_more(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell("Saturated", instance="")
    healer.reconcile(after(1))
    (deed,) = stack.submitted
    assert (deed.action.kind, deed.action.target, deed.instances) == ("scale_out", "web", 4)


def test_an_idle_service_gets_one_less(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell("Overprovisioned", instance="")
    healer.reconcile(after(1))
    assert [deed.instances for deed in stack.submitted] == [2]


def test_it_goes_on_while_the_alert_fires(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    healer.reconcile(after(1))
    stack.stores.actions.finish(stack.submitted[0].id, "failed", "no", after(2))
    healer.reconcile(after(3))
    healer.reconcile(after(32))
    assert codes(stack) == ["approved", "cooldown", "approved"]


def test_a_spent_budget_opens_the_circuit(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    second = 0.0
    while stack.stores.flags.since("circuit_open") is None and second < 590:
        second += 10
        healer.reconcile(after(second))
        for deed in stack.stores.actions.running():
            stack.stores.actions.finish(deed.id, "done", "", after(second))
    assert len(stack.submitted) == LIMITS.budget
    assert codes(stack)[-1] == "budget_exhausted"
    healer.reconcile(after(second + 1))
    assert codes(stack)[-1] == "circuit_open"
    assert stack.metrics.registry.get_sample_value("responder_circuit_open") == 1
    assert stack.metrics.registry.get_sample_value("responder_budget_remaining") == 0


def test_the_circuit_closes_after_a_window(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.stores.flags.set("circuit_open", BEGAN)
    tell()
    healer.reconcile(after(LIMITS.window - 1))
    assert codes(stack) == ["circuit_open"]
    healer.reconcile(after(LIMITS.window))
    assert codes(stack) == ["circuit_open", "approved"]


def test_a_storm_gets_the_budget_and_no_more(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.runtime.instances = [instance(number, "down") for number in range(500)]
    stack.runtime.services = {}
    for number in range(500):
        tell(instance=f"web-{number}")
    for second in range(60):
        healer.reconcile(after(second + 1))
        for deed in stack.stores.actions.running():
            stack.stores.actions.finish(deed.id, "done", "", after(second + 1))
    assert len(stack.submitted) == LIMITS.budget
    assert codes(stack).count("budget_exhausted") == 1
    assert len({item["fingerprint"] for item in stack.stores.actions.decisions(9999)}) == 500


def test_a_dry_run_decides_and_does_nothing(stack: Stack, tell: Tell) -> None:
    healer = make(stack, mode="dry-run")
    tell()
    for second in (1, 2):
        healer.reconcile(after(second))
    assert stack.submitted == []
    (item,) = stack.stores.actions.find(10)
    assert (item["dry_run"], item["state"]) == (1, "done")
    assert codes(stack) == ["approved", "cooldown"]


def test_a_pause_is_heeded(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.stores.flags.set("paused", BEGAN)
    tell()
    healer.reconcile(after(1))
    assert codes(stack) == ["paused"]
    assert stack.metrics.registry.get_sample_value("responder_paused") == 1


def test_whom_a_human_took_over_is_left_alone(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    (firing,) = stack.stores.alerts.firing()
    stack.stores.alerts.take_over(firing.fingerprint)
    healer.reconcile(after(1))
    assert codes(stack) == ["excluded"]


def test_a_cut_off_action_is_taken_up_again(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    healer.reconcile(after(1))
    stack.running = False  # the responder was restarted
    make(stack).reconcile(after(2))
    first, again = stack.submitted
    assert first.key == again.key
    assert len(stack.stores.actions.find(10)) == 1


def test_a_running_action_is_not_taken_up_twice(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    tell()
    for second in range(3):
        healer.reconcile(after(second + 1))
    assert len(stack.submitted) == 1


def test_a_resolved_alert_ends_what_was_cut_off(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    tell()
    healer.reconcile(after(1))
    stack.running = False
    tell("InstanceDown", "resolved")
    make(stack).reconcile(after(2))
    (item,) = stack.stores.actions.find(10)
    assert (item["state"], len(stack.submitted)) == ("cancelled", 1)
    assert stack.seen.ends[0][1] == "cancelled"


def test_the_end_of_the_alert_is_noted_on_its_action(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    tell()
    healer.reconcile(after(1))
    tell("InstanceDown", "resolved")
    healer.reconcile(after(9))
    assert stack.stores.actions.find(10)[0]["alert_resolved_at"] == "2025-11-23T17:00:09.000Z"


def test_min_replicas_are_shown_while_nothing_fires(stack: Stack, healer: Reconciler) -> None:
    healer.resync(after(1))
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) == 2


def test_a_look_at_nobody_is_harmless(stack: Stack, healer: Reconciler) -> None:
    stack.away = True
    healer.resync(after(1))
    value = stack.metrics.registry.get_sample_value
    assert value("responder_min_replicas", {"scaled_service": "web"}) is None
