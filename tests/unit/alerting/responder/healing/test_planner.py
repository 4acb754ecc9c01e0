from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.healing.planner import budget_remaining, decide, plan
from alerting.responder.healing.policy import Exclusion, Limits
from alerting.responder.healing.snapshot import StackSnapshot
from alerting.responder.healing.store import Action, ActionKind, ActiveAlert, Decision
from tests.unit.alerting.responder.healing.samples import (
    BUSY,
    HUNG,
    LIMITS,
    NOW,
    RUNNING,
    SERVICES,
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
) -> Decision:
    return decide(alert, snapshot, policy(**{alert.alert: rule("restart", "it hangs", **options)}))


def scale(
    kind: ActionKind, snapshot: StackSnapshot = SNAPSHOT, alert: ActiveAlert = BUSY
) -> Decision:
    return decide(alert, snapshot, policy(Saturated=rule(kind, "all threads are in use")))


def test_rule_applies_if_every_guard_allows_it() -> None:
    expected = Decision(HUNG, "restart", "web-1", "approved", "it hangs", grace_period=5)
    assert restart(grace_period=5) == expected
    out = Decision(BUSY, "scale_out", "web", "approved", "all threads are in use", instances=4)
    assert scale("scale_out") == out
    assert scale("scale_in") == replace(out, action="scale_in", instances=2)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["ready", "ready"], "approved"),
        (["ready", "failed"], "last_ready_replica"),
        (["ready", "standby"], "approved"),  # the only instance
        (["starting", "failed"], "approved"),
    ],
)
def test_last_ready_replica_is_skipped(states: list[str], code: str) -> None:
    instances = [instance(number, state) for number, state in enumerate(states, 1)]
    assert restart(replace(SNAPSHOT, instances=instances), even_if_ready=True).code == code


def test_min_firing_is_awaited() -> None:
    assert restart(min_firing=15).reason == "it has to fire for 15 s first"
    assert restart(min_firing=10).code == "approved"


def test_alert_that_no_rule_has_as_firing_is_skipped() -> None:
    assert restart(alert=replace(HUNG, holds=False)).code == "unconfirmed"


def test_stale_unconfirmed_alert_is_skipped() -> None:
    assert restart(alert=replace(HUNG, confirmed=False)).code == "approved"
    late = replace(HUNG, confirmed=False, last_notified=NOW - 61)
    assert restart(alert=late).code == "unconfirmed"


@pytest.mark.parametrize(
    ("snapshot", "code", "reason"),
    [
        ({"paused": True}, "paused", "the responder is paused"),
        (
            {"open_circuits": {"web": 1.0}},
            "circuit_open",
            "web has exhausted its budget and its circuit is open",
        ),
        ({"instances": []}, "no_target", "no instance named web-1"),
        (
            {"instances": [instance(1, "failed", healing_enabled=False)]},
            "no_target",
            "web-1 does not carry the heal label",
        ),
        ({"instances": [instance(1, "standby")]}, "no_target", "web-1 is in standby"),
        ({"instances": [instance(1)]}, "already_healthy", "web-1 is ready"),
        (
            {"recent_actions": [restarted(5, 2, finished=False)]},
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
    expected = Decision(HUNG, "none", "web-1", code, reason)
    assert restart(replace(SNAPSHOT, **snapshot)) == expected


def test_excluded_target_is_skipped() -> None:
    assert restart(alert=replace(HUNG, silenced=True)).reason == "the alert is silenced"
    cancelled = restart(alert=replace(HUNG, taken_over=True))
    assert (cancelled.code, cancelled.reason) == ("excluded", "an operator cancelled its action")
    excluded = policy(InstanceHung=rule("restart", "it hangs")).model_copy(
        update={"exclusions": [Exclusion(labels={"service": "web"}, reason="so")]}
    )
    assert decide(HUNG, SNAPSHOT, excluded).reason == "the policy excludes it: so"


@pytest.mark.parametrize(("service", "owner"), [("data-service", "data-service"), ("", "none")])
def test_instance_of_another_service_is_skipped(service: str, owner: str) -> None:
    # Otherwise it would bypass the limits of its own service: one action at a time, the cooldown.
    decision = restart(alert=replace(HUNG, labels={"service": service, "instance": "web-1"}))
    expected = ("no_target", f"web-1 belongs to web, not to {owner}")
    assert (decision.code, decision.reason) == expected


def test_restart_needs_an_instance() -> None:
    assert restart(alert=BUSY).reason == "the alert names no instance"


@pytest.mark.parametrize(
    ("ago", "remaining"),
    [([31], 0), ([10], 20), ([100, 31], 29), ([500, 400, 300, 119], 1), ([700, 100, 31], 29)],
)
def test_cooldown_doubles_up_to_the_maximum(ago: list[float], remaining: int) -> None:
    decision = restart(replace(SNAPSHOT, recent_actions=[restarted(seconds) for seconds in ago]))
    reason = f"web-1 was restarted: the next restart is in {remaining} s"
    assert decision.reason == (reason if remaining else "it hangs")


def test_cooldown_is_per_instance() -> None:
    assert restart(replace(SNAPSHOT, recent_actions=[restarted(10, 2)])).code == "approved"


def web(**changed: Any) -> dict[str, Any]:
    return {"services": {"web": SERVICES["web"].model_copy(update=changed)}}


@pytest.mark.parametrize(
    ("kind", "snapshot", "code", "reason"),
    [
        ("scale_out", {"paused": True}, "paused", "the responder is paused"),
        ("scale_out", {"services": {}}, "not_scalable", "no service named web"),
        (
            "scale_out",
            web(healing_enabled=False),
            "not_scalable",
            "web does not carry the heal label",
        ),
        ("scale_out", web(scale=4), "max_replicas", "web has its maximum of 4"),
        ("scale_in", web(scale=2), "min_replicas", "web has its minimum of 2"),
        (
            "scale_out",
            {"recent_actions": [scaled(20)]},
            "scale_out_stabilization",
            "web was scaled: the next change is in 10 s",
        ),
        (
            "scale_in",
            {"recent_actions": [scaled(50)]},
            "scale_in_stabilization",
            "web was scaled: the next change is in 10 s",
        ),
        (
            "scale_out",
            {"recent_actions": [restarted(5, finished=False)]},
            "in_progress",
            "restart of web-1 is in progress",
        ),
    ],
)
def test_guards_of_scaling(
    kind: ActionKind, snapshot: dict[str, Any], code: str, reason: str
) -> None:
    decision = scale(kind, replace(SNAPSHOT, **snapshot))
    assert decision == Decision(BUSY, "none", "web", code, reason)


def test_scaling_needs_a_service() -> None:
    decision = scale("scale_out", alert=ActiveAlert("Saturated", {}))
    assert decision.reason == "the alert names no service"


@pytest.mark.parametrize("kind", ["restart", "scale_out"])
def test_exhausted_budget_stops_actions(kind: ActionKind) -> None:
    # They began within the window.
    done = [restarted(579 - number, number + 10) for number in range(LIMITS.budget)]

    def decide_at(now: float) -> Decision:
        snapshot = replace(SNAPSHOT, recent_actions=done, now=now)
        return restart(snapshot) if kind == "restart" else scale(kind, snapshot)

    decision = decide_at(NOW)
    assert decision.code == "budget_exhausted"
    assert decision.reason == (
        "web has exhausted its budget of 5 actions within 10 min:"
        " find the cause, then close its circuit"
    )
    assert decide_at(NOW + 2).code == "approved"


def test_scale_in_costs_no_budget() -> None:
    snapshot = replace(
        SNAPSHOT, recent_actions=[scaled(500 - number, "scale_in") for number in range(9)]
    )
    assert budget_remaining("web", snapshot, LIMITS) == LIMITS.budget
    snapshot = replace(
        SNAPSHOT, recent_actions=[restarted(500 - number, 9) for number in range(LIMITS.budget)]
    )
    assert scale("scale_in", snapshot).code == "approved"
    assert scale("scale_out", snapshot).code == "budget_exhausted"


def test_budget_can_be_reset() -> None:
    snapshot = replace(SNAPSHOT, recent_actions=[restarted(99, 9)] * 5)
    assert budget_remaining("web", snapshot, LIMITS) == 0
    for service, remaining in {"web": 5, "data-service": 0}.items():
        reset = replace(snapshot, budget_reset_at={service: NOW - 50})
        assert budget_remaining("web", reset, LIMITS) == remaining


def test_exhausted_budget_leaves_other_services_theirs() -> None:
    web = [restarted(99 - number, 9) for number in range(LIMITS.budget)]
    down = [instance(1, "stopped"), instance(1, "stopped", "data-service")]
    other = replace(HUNG, labels={"service": "data-service", "instance": "data-service-1"})
    snapshot = replace(SNAPSHOT, instances=down, alerts=[*hung(1), other], recent_actions=web)
    decisions = plan(snapshot, HEALED).decisions
    codes = {decision.alert.service: decision.code for decision in decisions}
    assert codes == {"web": "budget_exhausted", "data-service": "approved"}


def test_down_instance_has_priority() -> None:
    states = {1: "ready", 2: "starting", 3: "stopped"}
    instances = [instance(number, state) for number, state in states.items()]
    planned = plan(replace(SNAPSHOT, instances=instances, alerts=hung(1, 2, 3)), HEALED)
    assert [item.alert.instance for item in planned.decisions] == ["web-3", "web-2", "web-1"]


TIMES = st.floats(min_value=1, max_value=2000)
ALERTS = st.lists(st.tuples(TIMES, st.integers(1, 9), st.sampled_from(KINDS)), max_size=300)


@given(
    alerts=ALERTS,
    limits=st.builds(lambda n: LIMITS.model_copy(update={"budget": n}), st.integers(1, 8)),
)
def test_storm_never_exceeds_the_budget(
    alerts: list[tuple[float, int, ActionKind]], limits: Limits
) -> None:
    done: list[Action] = []
    instances = [instance(number, "stopped") for number in range(1, 10)]
    for now, number, kind in sorted(alerts):
        labels = {"service": "web", "instance": f"web-{number}"}
        alert = replace(HUNG, labels=labels, firing_since=0)
        snapshot = replace(SNAPSHOT, now=now, instances=instances, recent_actions=list(done))
        rules = policy(InstanceHung=rule(kind, "so")).model_copy(update={"limits": limits})
        decision = decide(alert, snapshot, rules)
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
        decision = scale(kind, snapshot, replace(BUSY, firing_since=0))
        if decision.action != "none":
            done.append(Action(decision.action, "web", "web", now, now))
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
    down = [instance(number, "stopped") for number in range(3)]
    other = replace(HUNG, labels={"service": "data-service", "instance": "data-service-1"})
    instances = [*down, instance(1, "stopped", "data-service")]
    snapshot = replace(SNAPSHOT, instances=instances, alerts=[*hung(0, 1), other])
    assert [decision.code for decision in plan(snapshot, HEALED).decisions] == [
        *("approved", "approved"),
        "in_progress",
    ]


def test_plan_opens_the_circuit_once() -> None:
    recent = [restarted(99, 9)] * LIMITS.budget
    instances = [instance(number, "stopped") for number in range(3)]
    snapshot = replace(SNAPSHOT, instances=instances, alerts=hung(0, 1, 2), recent_actions=recent)
    planned = plan(snapshot, HEALED)
    codes = [decision.code for decision in planned.decisions]
    assert codes == ["budget_exhausted", "circuit_open", "circuit_open"]
    assert planned.expected.open_circuits == {"web": NOW}


def test_plan_closes_each_circuit_after_its_window() -> None:
    opened = replace(SNAPSHOT, alerts=hung(1), recent_actions=[restarted(99, 9)] * 5)
    circuits = {"web": NOW - LIMITS.window + 1, "data-service": NOW - LIMITS.window}
    early = plan(replace(opened, open_circuits=circuits), HEALED)
    assert early.closed_circuits == {"data-service": LIMITS.window}
    assert early.expected.open_circuits.keys() == {"web"}
    assert early.decisions[0].code == "circuit_open"
    late = plan(replace(opened, open_circuits={"web": NOW - LIMITS.window}), HEALED)
    assert late.closed_circuits == {"web": LIMITS.window}
    assert late.decisions[0].code == "approved"
    assert late.expected.budget_reset_at == {"web": NOW}


def test_planned_dry_run_ends_at_once() -> None:
    snapshot = replace(SNAPSHOT, alerts=[*hung(1), BUSY])
    codes = [item.code for item in plan(snapshot, HEALED, dry_run=True).decisions]
    assert codes == ["approved", "approved"]
    assert [item.code for item in plan(snapshot, HEALED).decisions] == ["approved", "in_progress"]


def test_interrupted_action_goes_on_while_its_alert_fires() -> None:
    running = replace(RUNNING, started_at=NOW - 3)
    interrupted = replace(SNAPSHOT, interrupted=[running], recent_actions=[running])
    fires = plan(replace(interrupted, alerts=[HUNG]), HEALED)
    assert (fires.resumed, fires.cancelled) == ([running], [])
    assert fires.decisions[0].code == "in_progress"
    over = plan(replace(interrupted, alerts=[BUSY]), HEALED)
    assert (over.resumed, over.cancelled) == ([], [running])
    assert over.decisions[0].code == "approved"  # nothing is in progress any more


def test_cancelled_action_is_not_resumed() -> None:
    cancelled = replace(RUNNING, state="cancelled")
    planned = plan(replace(SNAPSHOT, interrupted=[cancelled], alerts=[HUNG]), HEALED)
    assert (planned.resumed, planned.cancelled) == ([], [cancelled])


def test_unknown_state_stops_actions_only() -> None:
    skew = ActiveAlert("ClockSkew", {})
    planned = plan(replace(SNAPSHOT, alerts=[HUNG, skew], state_error="no answer"), HEALED)
    codes = {item.alert.alert: (item.code, item.reason) for item in planned.decisions}
    assert codes == {
        "InstanceHung": ("control_api_unavailable", "no answer"),
        "ClockSkew": ("manual", "decide manually"),
    }
