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
    Decision,
    budget_remaining,
    decide,
    priority,
)
from alerting.responder.healing.policy import HealingRule, Limits
from alerting.responder.healing.snapshot import Action, ActionKind, AlertTarget, StackSnapshot
from tests.unit.alerting.responder.healing.samples import (
    BUSY,
    HUNG,
    LIMITS,
    NOW,
    SNAPSHOT,
    instance,
    restarted,
    scaled,
)

KINDS: list[ActionKind] = ["restart", "scale_out", "scale_in"]


def restart(
    snapshot: StackSnapshot = SNAPSHOT, target: AlertTarget = HUNG, **rule: Any
) -> Decision:
    return decide(HealingRule("restart", "it hangs", **rule), target, snapshot, LIMITS)


def scale(kind: ActionKind, snapshot: StackSnapshot = SNAPSHOT) -> Decision:
    return decide(HealingRule(kind, "all threads are in use"), BUSY, snapshot, LIMITS)


def test_rule_applies_if_every_guard_allows_it() -> None:
    assert restart() == Decision("restart", "web-1", APPROVED, "it hangs")
    assert scale("scale_out") == Decision("scale_out", "web", APPROVED, "all threads are in use")
    assert scale("scale_in").action == "scale_in"


def test_manual_decision_has_the_reason_of_the_policy() -> None:
    decision = decide(HealingRule("none", "decide manually"), HUNG, SNAPSHOT, LIMITS)
    assert decision == Decision("none", "", MANUAL, "decide manually")


def test_ready_instance_is_restarted_with_even_if_ready() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2)])
    assert restart(snapshot).code == "already_healthy"
    assert restart(snapshot, even_if_ready=True).action == "restart"


def test_last_ready_replica_is_skipped() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2, "down")])
    assert restart(snapshot, even_if_ready=True).code == "last_ready_replica"


def test_only_instance_is_restarted() -> None:
    snapshot = replace(SNAPSHOT, instances=[instance(1), instance(2, "standby")])
    assert restart(snapshot, even_if_ready=True).action == "restart"


def test_min_firing_is_awaited() -> None:
    assert restart(min_firing=15).reason == "it has to fire for 15 s first"
    assert restart(min_firing=10).action == "restart"


def test_stale_unconfirmed_alert_is_skipped() -> None:
    assert restart(target=replace(HUNG, confirmed=False)).action == "restart"
    late = replace(HUNG, confirmed=False, last_notified=NOW - 61)
    assert restart(target=late).code == "unconfirmed"


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
    assert restart(replace(SNAPSHOT, **snapshot)) == Decision("none", "web-1", code, reason)


def test_excluded_target_is_skipped() -> None:
    decision = restart(target=replace(HUNG, exclusion="the alert is silenced"))
    assert (decision.code, decision.reason) == ("excluded", "the alert is silenced")


@pytest.mark.parametrize(("service", "owner"), [("data-service", "data-service"), ("", "none")])
def test_instance_of_another_service_is_skipped(service: str, owner: str) -> None:
    # Otherwise it would bypass the limits of its own service: one action at a time, the cooldown.
    decision = restart(target=replace(HUNG, labels={"service": service, "instance": "web-1"}))
    assert (decision.code, decision.reason) == (
        "no_target",
        f"web-1 belongs to web, not to {owner}",
    )


def test_restart_needs_an_instance() -> None:
    assert restart(target=BUSY).reason == "the alert names no instance"


def test_cooldown_doubles_up_to_the_maximum() -> None:
    assert restart(replace(SNAPSHOT, recent_actions=[restarted(31)])).action == "restart"
    twice = [restarted(100), restarted(31)]
    assert restart(replace(SNAPSHOT, recent_actions=twice)).reason.endswith(
        "the next restart is in 29 s"
    )
    often = [restarted(500), restarted(400), restarted(300), restarted(119)]
    assert restart(replace(SNAPSHOT, recent_actions=often)).reason.endswith(
        "the next restart is in 1 s"
    )


def test_cooldown_is_per_instance() -> None:
    assert restart(replace(SNAPSHOT, recent_actions=[restarted(10, 2)])).action == "restart"


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
    assert (decision.action, decision.target, decision.reason) == ("none", "web", reason)


def test_scaling_needs_a_service() -> None:
    decision = decide(HealingRule("scale_out", ""), AlertTarget("Saturated", {}), SNAPSHOT, LIMITS)
    assert decision.reason == "the alert names no service"


@pytest.mark.parametrize("kind", ["restart", "scale_out"])
def test_exhausted_budget_stops_actions(kind: ActionKind) -> None:
    done = [restarted(599 - number, number + 10) for number in range(LIMITS.budget)]
    snapshot = replace(SNAPSHOT, recent_actions=done)
    target = HUNG if kind == "restart" else BUSY
    decision = decide(HealingRule(kind, "so"), target, snapshot, LIMITS)
    assert (decision.action, decision.code) == ("none", BUDGET_EXHAUSTED)
    assert decision.reason == (
        "the budget of 5 actions within 10 min is exhausted:"
        " find the cause, then resume the responder"
    )
    assert (
        decide(HealingRule(kind, "so"), target, replace(snapshot, now=NOW + 2), LIMITS).action
        == kind
    )


def test_scale_in_costs_no_budget() -> None:
    snapshot = replace(
        SNAPSHOT, recent_actions=[scaled(500 - number, "scale_in") for number in range(9)]
    )
    assert budget_remaining(snapshot, LIMITS) == LIMITS.budget
    snapshot = replace(
        SNAPSHOT, recent_actions=[restarted(500 - number, 9) for number in range(LIMITS.budget)]
    )
    assert scale("scale_in", snapshot).action == "scale_in"
    assert scale("scale_out", snapshot).code == BUDGET_EXHAUSTED


def test_budget_can_be_reset() -> None:
    snapshot = replace(SNAPSHOT, recent_actions=[restarted(99, 9)] * 5)
    assert budget_remaining(snapshot, LIMITS) == 0
    assert budget_remaining(replace(snapshot, budget_reset_at=NOW - 50), LIMITS) == 5


def test_down_instance_has_priority() -> None:
    states = {1: "ready", 2: "unready", 3: "down"}
    snapshot = replace(SNAPSHOT, instances=[instance(n, state) for n, state in states.items()])
    alerts = [replace(HUNG, labels={"service": "web", "instance": f"web-{n}"}) for n in states]
    ranked = sorted(alerts, key=lambda target: priority(target, snapshot))
    assert [target.instance for target in ranked] == ["web-3", "web-2", "web-1"]


def test_codes_are_valid_label_values() -> None:
    assert len(CODES) == len(set(CODES))
    assert all(code.isidentifier() for code in CODES)


TIMES = st.floats(min_value=1, max_value=2000)
ALERTS = st.lists(st.tuples(TIMES, st.integers(1, 9), st.sampled_from(KINDS)), max_size=300)


@given(alerts=ALERTS, limits=st.builds(lambda n: replace(LIMITS, budget=n), st.integers(1, 8)))
def test_storm_never_exceeds_the_budget(
    alerts: list[tuple[float, int, ActionKind]], limits: Limits
) -> None:
    done: list[Action] = []
    instances = [instance(number, "down") for number in range(1, 10)]
    for now, number, kind in sorted(alerts):
        target = replace(
            HUNG, labels={"service": "web", "instance": f"web-{number}"}, firing_since=0
        )
        snapshot = replace(SNAPSHOT, now=now, instances=instances, recent_actions=list(done))
        decision = decide(HealingRule(kind, "so"), target, snapshot, limits)
        if decision.action != "none":
            done.append(Action(decision.action, "web", decision.target, now, now))
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
    done: list[Action] = []
    for now, _, kind in sorted(alerts):
        snapshot = replace(SNAPSHOT, now=now, recent_actions=list(done))
        decision = decide(HealingRule(kind, "so"), replace(BUSY, firing_since=0), snapshot, LIMITS)
        if decision.action != "none":
            done.append(Action(decision.action, "web", "web", now, now))
    for before, after in pairwise(done):
        settle = (
            LIMITS.scale_in_stabilization
            if after.kind == "scale_in"
            else LIMITS.scale_out_stabilization
        )
        assert after.started_at - before.started_at >= settle
