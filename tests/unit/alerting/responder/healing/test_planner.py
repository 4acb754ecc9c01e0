from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.healing.planner import (
    APPROVED,
    BUDGET_EXHAUSTED,
    CODES,
    MANUAL,
    Action,
    Skip,
    budget_remaining,
    decide,
    plan,
    priority,
)
from alerting.responder.healing.policy import Exclusion, Limits
from alerting.responder.healing.snapshot import StackSnapshot
from alerting.responder.healing_store import ActionKind, ActiveAlert, RecentAction
from tests.unit.alerting.responder.healing.samples import (
    BUSY,
    HUNG,
    LIMITS,
    NOW,
    RECORD,
    SNAPSHOT,
    instance,
    policy,
    restarted,
    rule,
    scaled,
)

KINDS: list[ActionKind] = ["restart", "scale_out", "scale_in"]


def restart(
    snapshot: StackSnapshot = SNAPSHOT, alert: ActiveAlert = HUNG, **options: Any
) -> Action | Skip:
    return decide(alert, snapshot, policy(**{alert.alert: rule("restart", "it hangs", **options)}))


def scale(
    kind: ActionKind, snapshot: StackSnapshot = SNAPSHOT, alert: ActiveAlert = BUSY
) -> Action | Skip:
    return decide(alert, snapshot, policy(Saturated=rule(kind, "all threads are in use")))


def code(decision: Action | Skip) -> str:
    return decision.code if isinstance(decision, Skip) else APPROVED


def test_rule_applies_if_every_guard_allows_it() -> None:
    assert restart(grace_period=5) == Action(HUNG, "restart", "web-1", "it hangs", grace_period=5)
    out = Action(BUSY, "scale_out", "web", "all threads are in use", instances=4)
    assert scale("scale_out") == out
    assert scale("scale_in") == replace(out, kind="scale_in", instances=2)


def test_manual_decision_has_the_reason_of_the_policy() -> None:
    decision = decide(HUNG, SNAPSHOT, policy(InstanceHung=rule("none", "decide manually")))
    assert decision == Skip(HUNG, "", MANUAL, "decide manually")


def test_ready_instance_is_restarted_with_even_if_ready() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2)])
    assert code(restart(snapshot)) == "already_healthy"
    assert code(restart(snapshot, even_if_ready=True)) == APPROVED


def test_last_ready_replica_is_skipped() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2, "down")])
    assert code(restart(snapshot, even_if_ready=True)) == "last_ready_replica"


def test_only_instance_is_restarted() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2, "standby")])
    assert code(restart(snapshot, even_if_ready=True)) == APPROVED


def test_min_firing_is_awaited() -> None:
    assert restart(min_firing=15).reason == "it has to fire for 15 s first"
    assert code(restart(min_firing=10)) == APPROVED


def test_stale_unconfirmed_alert_is_skipped() -> None:
    assert code(restart(alert=replace(HUNG, confirmed=False))) == APPROVED
    late = replace(HUNG, confirmed=False, last_notified=NOW - 61)
    assert code(restart(alert=late)) == "unconfirmed"


@pytest.mark.parametrize(
    ("snapshot", "code", "reason"),
    [
        ({"paused": True}, "paused", "the responder is paused"),
        ({"circuit_open": 1.0}, "circuit_open", "the budget is exhausted and the circuit is open"),
        ({"instances": []}, "no_target", "no instance named web-1"),
        (
            {"instances": [replace(instance(1, "down"), healing_enabled=False)]},
            "no_target",
            "web-1 does not carry the heal label",
        ),
        ({"instances": [instance(1, "standby")]}, "no_target", "web-1 is in standby"),
        ({"instances": [instance(1)]}, "already_healthy", "web-1 is ready"),
        (
            {"recent_actions": [restarted(5, 2, finished_at=False)]},
            "in_progress",
            "restart of web-2 is in progress",
        ),
        (
            {"recent_actions": [restarted(10)]},
            "cooldown",
            "web-1 was restarted: the next restart is in 20 s",
        ),
    ],
)
def test_guards_of_a_restart(snapshot: dict[str, Any], code: str, reason: str) -> None:
    assert restart(replace(SNAPSHOT, **snapshot)) == Skip(HUNG, "web-1", code, reason)


def test_excluded_target_is_skipped() -> None:
    decision = restart(alert=replace(HUNG, silenced=True))
    assert decision == Skip(
        replace(HUNG, silenced=True), "web-1", "excluded", "the alert is silenced"
    )
    decision = restart(alert=replace(HUNG, taken_over=True))
    assert decision.reason == "an operator cancelled its action"
    excluded = policy(InstanceHung=rule("restart", "it hangs")).model_copy(
        update={"exclusions": [Exclusion(labels={"service": "web"}, reason="so")]}
    )
    assert decide(HUNG, SNAPSHOT, excluded).reason == "the policy excludes it: so"


@pytest.mark.parametrize(("service", "owner"), [("data-service", "data-service"), ("", "none")])
def test_instance_of_another_service_is_skipped(service: str, owner: str) -> None:
    # Otherwise it would bypass the limits of its own service: one action at a time, the cooldown.
    decision = restart(alert=replace(HUNG, labels={"service": service, "instance": "web-1"}))
    assert (code(decision), decision.reason) == (
        "no_target",
        f"web-1 belongs to web, not to {owner}",
    )


def test_restart_needs_an_instance() -> None:
    assert restart(alert=BUSY).reason == "the alert names no instance"


def test_cooldown_doubles_up_to_the_maximum() -> None:
    assert code(restart(replace(SNAPSHOT, recent_actions=[restarted(31)]))) == APPROVED
    twice = [restarted(100), restarted(31)]
    assert restart(replace(SNAPSHOT, recent_actions=twice)).reason.endswith(
        "the next restart is in 29 s"
    )
    often = [restarted(500), restarted(400), restarted(300), restarted(119)]
    assert restart(replace(SNAPSHOT, recent_actions=often)).reason.endswith(
        "the next restart is in 1 s"
    )


def test_cooldown_is_per_instance() -> None:
    assert code(restart(replace(SNAPSHOT, recent_actions=[restarted(10, 2)]))) == APPROVED


@pytest.mark.parametrize(
    ("kind", "snapshot", "reason"),
    [
        ("scale_out", {"paused": True}, "the responder is paused"),
        ("scale_out", {"services": {}}, "no service named web"),
        (
            "scale_out",
            {"services": {"web": replace(SNAPSHOT.services["web"], healing_enabled=False)}},
            "web does not carry the heal label",
        ),
        (
            "scale_out",
            {"services": {"web": replace(SNAPSHOT.services["web"], scale=4)}},
            "web has its maximum of 4",
        ),
        (
            "scale_in",
            {"services": {"web": replace(SNAPSHOT.services["web"], scale=2)}},
            "web has its minimum of 2",
        ),
        (
            "scale_out",
            {"recent_actions": [scaled(20)]},
            "web was scaled: the next change is in 10 s",
        ),
        (
            "scale_in",
            {"recent_actions": [scaled(50)]},
            "web was scaled: the next change is in 10 s",
        ),
        (
            "scale_out",
            {"recent_actions": [restarted(5, finished_at=False)]},
            "restart of web-1 is in progress",
        ),
    ],
)
def test_guards_of_scaling(kind: ActionKind, snapshot: dict[str, Any], reason: str) -> None:
    decision = scale(kind, replace(SNAPSHOT, **snapshot))
    assert (code(decision) != APPROVED, decision.target, decision.reason) == (True, "web", reason)


def test_scaling_needs_a_service() -> None:
    decision = scale("scale_out", alert=ActiveAlert("Saturated", {}))
    assert decision.reason == "the alert names no service"


@pytest.mark.parametrize("kind", ["restart", "scale_out"])
def test_exhausted_budget_stops_actions(kind: ActionKind) -> None:
    done = [restarted(599 - number, number + 10) for number in range(LIMITS.budget)]
    snapshot = replace(SNAPSHOT, recent_actions=done)
    decision = restart(snapshot) if kind == "restart" else scale(kind, snapshot)
    assert code(decision) == BUDGET_EXHAUSTED
    assert decision.reason == (
        "the budget of 5 actions within 10 min is exhausted:"
        " find the cause, then resume the responder"
    )
    later = replace(snapshot, now=NOW + 2)
    assert code(restart(later) if kind == "restart" else scale(kind, later)) == APPROVED


def test_scale_in_costs_no_budget() -> None:
    snapshot = replace(
        SNAPSHOT, recent_actions=[scaled(500 - number, "scale_in") for number in range(9)]
    )
    assert budget_remaining(snapshot, LIMITS) == LIMITS.budget
    snapshot = replace(
        SNAPSHOT, recent_actions=[restarted(500 - number, 9) for number in range(LIMITS.budget)]
    )
    assert code(scale("scale_in", snapshot)) == APPROVED
    assert code(scale("scale_out", snapshot)) == BUDGET_EXHAUSTED


def test_budget_can_be_reset() -> None:
    snapshot = replace(SNAPSHOT, recent_actions=[restarted(99, 9)] * 5)
    assert budget_remaining(snapshot, LIMITS) == 0
    assert budget_remaining(replace(snapshot, budget_reset_at=NOW - 50), LIMITS) == 5


def test_down_instance_has_priority() -> None:
    states = {1: "ready", 2: "unready", 3: "down"}
    snapshot = replace(SNAPSHOT, instances=[instance(n, state) for n, state in states.items()])
    alerts = [replace(HUNG, labels={"service": "web", "instance": f"web-{n}"}) for n in states]
    ranked = sorted(alerts, key=lambda alert: priority(alert, snapshot))
    assert [alert.instance for alert in ranked] == ["web-3", "web-2", "web-1"]


def test_codes_are_valid_label_values() -> None:
    assert len(CODES) == len(set(CODES))
    assert all(code.isidentifier() for code in CODES)


TIMES = st.floats(min_value=1, max_value=2000)
ALERTS = st.lists(st.tuples(TIMES, st.integers(1, 9), st.sampled_from(KINDS)), max_size=300)


@given(
    alerts=ALERTS,
    limits=st.builds(lambda n: LIMITS.model_copy(update={"budget": n}), st.integers(1, 8)),
)
def test_storm_never_exceeds_the_budget(
    alerts: list[tuple[float, int, ActionKind]], limits: Limits
) -> None:
    done: list[RecentAction] = []
    instances = [instance(number, "down") for number in range(1, 10)]
    for now, number, kind in sorted(alerts):
        labels = {"service": "web", "instance": f"web-{number}"}
        alert = replace(HUNG, labels=labels, firing_since=0)
        snapshot = replace(SNAPSHOT, now=now, instances=instances, recent_actions=list(done))
        rules = policy(InstanceHung=rule(kind, "so")).model_copy(update={"limits": limits})
        decision = decide(alert, snapshot, rules)
        if isinstance(decision, Action):
            done.append(RecentAction(decision.kind, "web", decision.target, now, now))
    for action in done:
        counted = [action for action in done if action.kind != "scale_in"]
        window = [
            other
            for other in counted
            if action.started_at - 600 < other.started_at <= action.started_at
        ]
        assert len(window) <= limits.budget


@given(alerts=ALERTS)
def test_scaling_never_flaps(alerts: list[tuple[float, int, ActionKind]]) -> None:
    done: list[RecentAction] = []
    for now, _, kind in sorted(alerts):
        snapshot = replace(SNAPSHOT, now=now, recent_actions=list(done))
        decision = scale(kind, snapshot, replace(BUSY, firing_since=0))
        if isinstance(decision, Action):
            done.append(RecentAction(decision.kind, "web", "web", now, now))
    for before, after in pairwise(done):
        settle = (
            LIMITS.scale_in_stabilization
            if after.kind == "scale_in"
            else LIMITS.scale_out_stabilization
        )
        assert after.started_at - before.started_at >= settle


HEALED = policy(
    InstanceHung=rule("restart", "it hangs"),
    Saturated=rule("scale_out", "it is full"),
    ClockSkew=rule("none", "decide manually"),
)


def hung(*numbers: int) -> list[ActiveAlert]:
    labels = [{"service": "web", "instance": f"web-{number}"} for number in numbers]
    return [replace(HUNG, labels=own, fingerprint=own["instance"]) for own in labels]


def test_plan_counts_its_own_actions() -> None:
    down = [instance(number, "down") for number in range(3)]
    other = replace(HUNG, labels={"service": "data-service", "instance": "data-service-1"})
    instances = [*down, instance(1, "down", "data-service")]
    snapshot = replace(SNAPSHOT, instances=instances, alerts=[*hung(0, 1), other])
    assert [code(decision) for decision in plan(snapshot, HEALED).decisions] == [
        *(APPROVED, APPROVED),
        "in_progress",
    ]


def test_plan_opens_the_circuit_once() -> None:
    recent = [restarted(99, 9)] * LIMITS.budget
    instances = [instance(number, "down") for number in range(3)]
    snapshot = replace(SNAPSHOT, instances=instances, alerts=hung(0, 1, 2), recent_actions=recent)
    planned = plan(snapshot, HEALED)
    codes = [code(decision) for decision in planned.decisions]
    assert codes == [BUDGET_EXHAUSTED, "circuit_open", "circuit_open"]
    assert planned.expected.circuit_open == NOW


def test_plan_closes_the_circuit_after_the_window() -> None:
    opened = replace(SNAPSHOT, alerts=hung(1), recent_actions=[restarted(99, 9)] * 5)
    early = plan(replace(opened, circuit_open=NOW - LIMITS.window + 1), HEALED)
    assert (early.circuit_was_open, code(early.decisions[0])) == (None, "circuit_open")
    late = plan(replace(opened, circuit_open=NOW - LIMITS.window), HEALED)
    assert (late.circuit_was_open, code(late.decisions[0])) == (LIMITS.window, APPROVED)
    assert late.expected.budget_reset_at == NOW


def test_planned_dry_run_ends_at_once() -> None:
    snapshot = replace(SNAPSHOT, alerts=[*hung(1), BUSY])
    codes = [code(item) for item in plan(snapshot, HEALED, dry_run=True).decisions]
    assert codes == [APPROVED, APPROVED]
    assert [code(item) for item in plan(snapshot, HEALED).decisions] == [APPROVED, "in_progress"]


def test_interrupted_action_goes_on_while_its_alert_fires() -> None:
    running = replace(RECORD, action=restarted(3, finished_at=False))
    interrupted = replace(SNAPSHOT, interrupted=[running], recent_actions=[running.action])
    fires = plan(replace(interrupted, alerts=[HUNG]), HEALED)
    assert (fires.resumed, fires.cancelled) == ([running], [])
    assert code(fires.decisions[0]) == "in_progress"
    over = plan(replace(interrupted, alerts=[BUSY]), HEALED)
    assert (over.resumed, over.cancelled) == ([], [running])
    assert code(over.decisions[0]) == APPROVED  # nothing is in progress any more


def test_cancelled_action_is_not_resumed() -> None:
    cancelled = replace(RECORD, state="cancelled")
    planned = plan(replace(SNAPSHOT, interrupted=[cancelled], alerts=[HUNG]), HEALED)
    assert (planned.resumed, planned.cancelled) == ([], [cancelled])


def test_unknown_state_stops_actions_only() -> None:
    skew = ActiveAlert("ClockSkew", {})
    planned = plan(replace(SNAPSHOT, alerts=[HUNG, skew], state_error="no answer"), HEALED)
    codes = {item.alert.alert: (code(item), item.reason) for item in planned.decisions}
    assert codes == {
        "InstanceHung": ("control_api_unavailable", "no answer"),
        "ClockSkew": (MANUAL, "decide manually"),
    }
