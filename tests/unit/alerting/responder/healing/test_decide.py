from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.healing.decide import (
    APPROVED,
    BUDGET_EXHAUSTED,
    CODES,
    MANUAL,
    Decision,
    decide,
    left,
    rank,
)
from alerting.responder.healing.limits import Limits
from alerting.responder.healing.wish import Wish
from alerting.responder.healing.world import Action, Kind, Sick, World
from tests.unit.alerting.responder.healing.samples import (
    BUSY,
    HUNG,
    LIMITS,
    NOW,
    WORLD,
    instance,
    restarted,
    scaled,
)

KINDS: list[Kind] = ["restart", "scale_out", "scale_in"]


def restart(world: World = WORLD, sick: Sick = HUNG, **wish: Any) -> Decision:
    return decide(Wish("restart", "it hangs", **wish), sick, world, LIMITS)


def scale(kind: Kind, world: World = WORLD) -> Decision:
    return decide(Wish(kind, "all places are taken"), BUSY, world, LIMITS)


def test_wish_is_done_where_nothing_speaks_against_it() -> None:
    assert restart() == Decision("restart", "web-1", APPROVED, "it hangs")
    assert scale("scale_out") == Decision("scale_out", "web", APPROVED, "all places are taken")
    assert scale("scale_in").action == "scale_in"


def test_none_has_the_policys_reason() -> None:
    decision = decide(Wish("none", "a human decides"), HUNG, WORLD, LIMITS)
    assert decision == Decision("none", "", MANUAL, "a human decides")


def test_the_sick_one_is_restarted_although_it_serves() -> None:
    world = replace(WORLD, instances=[instance(1), instance(2)])
    assert restart(world).code == "already_healthy"
    assert restart(world, even_if_ready=True).action == "restart"


def test_the_last_ready_one_waits_for_the_others() -> None:
    world = replace(WORLD, instances=[instance(1), instance(2, "down")])
    assert restart(world, even_if_ready=True).code == "last_ready_replica"


def test_the_last_ready_one_is_restarted_if_it_alone_is_sick() -> None:
    world = replace(WORLD, instances=[instance(1), instance(2, "standby")])
    assert restart(world, even_if_ready=True).action == "restart"


def test_what_has_to_last_is_waited_for() -> None:
    assert restart(min_firing=15).reason == "it has to fire for 15 s first"
    assert restart(min_firing=10).action == "restart"


def test_an_old_word_does_not_count_unconfirmed() -> None:
    assert restart(sick=replace(HUNG, confirmed=False)).action == "restart"
    late = replace(HUNG, confirmed=False, heard=NOW - 61)
    assert restart(sick=late).code == "unconfirmed"


@pytest.mark.parametrize(
    ("world", "code", "reason"),
    [
        ({"paused": True}, "paused", "the responder is paused"),
        ({"circuit_open": 1.0}, "circuit_open", "the budget was spent and the circuit is open"),
        ({"instances": []}, "no_target", "there is no web-1"),
        (
            {"instances": [replace(instance(1, "down"), heals=False)]},
            "no_target",
            "web-1 does not carry the heal label",
        ),
        ({"instances": [instance(1, "standby")]}, "no_target", "web-1 stands by"),
        ({"instances": [instance(1)]}, "already_healthy", "web-1 serves"),
        (
            {"done": [restarted(5, 2, finished_at=False)]},
            "in_progress",
            "restart of web-2 is under way",
        ),
        (
            {"done": [restarted(10)]},
            "cooldown",
            "web-1 was restarted: not again for 20 s",
        ),
    ],
)
def test_what_speaks_against_a_restart_is_said(
    world: dict[str, Any], code: str, reason: str
) -> None:
    assert restart(replace(WORLD, **world)) == Decision("none", "web-1", code, reason)


def test_whom_a_human_has_excused_is_left_alone() -> None:
    decision = restart(sick=replace(HUNG, excuse="somebody has silenced it"))
    assert (decision.code, decision.reason) == ("excluded", "somebody has silenced it")


@pytest.mark.parametrize(("service", "said"), [("data-service", "data-service"), ("", "none")])
def test_nobody_is_restarted_as_anothers(service: str, said: str) -> None:
    # Else it would escape what counts for its own service: one at a time, and the cool-down.
    decision = restart(sick=replace(HUNG, labels={"service": service, "instance": "web-1"}))
    assert (decision.code, decision.reason) == (
        "no_target",
        f"web-1 is one of web, not of {said}",
    )


def test_nobody_is_restarted_for_a_whole_service() -> None:
    assert restart(sick=BUSY).reason == "the alert names no instance"


def test_cool_down_doubles_up_to_the_longest() -> None:
    assert restart(replace(WORLD, done=[restarted(31)])).action == "restart"
    twice = [restarted(100), restarted(31)]
    assert restart(replace(WORLD, done=twice)).reason.endswith("not again for 29 s")
    often = [restarted(500), restarted(400), restarted(300), restarted(119)]
    assert restart(replace(WORLD, done=often)).reason.endswith("not again for 1 s")


def test_another_instance_does_not_wait_for_the_first() -> None:
    assert restart(replace(WORLD, done=[restarted(10, 2)])).action == "restart"


@pytest.mark.parametrize(
    ("kind", "world", "reason"),
    [
        ("scale_out", {"paused": True}, "the responder is paused"),
        ("scale_out", {"services": {}}, "there is no service web"),
        (
            "scale_out",
            {"services": {"web": replace(WORLD.services["web"], heals=False)}},
            "web does not carry the heal label",
        ),
        (
            "scale_out",
            {"services": {"web": replace(WORLD.services["web"], scale=4)}},
            "web has all 4 that it may have",
        ),
        (
            "scale_in",
            {"services": {"web": replace(WORLD.services["web"], scale=2)}},
            "web has the 2 that it needs",
        ),
        ("scale_out", {"done": [scaled(20)]}, "web was scaled: not again for 10 s"),
        ("scale_in", {"done": [scaled(50)]}, "web was scaled: not again for 10 s"),
        ("scale_out", {"done": [restarted(5, finished_at=False)]}, "restart of web-1 is under way"),
    ],
)
def test_what_speaks_against_scaling_is_said(
    kind: Kind, world: dict[str, Any], reason: str
) -> None:
    decision = scale(kind, replace(WORLD, **world))
    assert (decision.action, decision.target, decision.reason) == ("none", "web", reason)


def test_a_service_without_a_name_is_not_scaled() -> None:
    decision = decide(Wish("scale_out", ""), Sick("Saturated", {}), WORLD, LIMITS)
    assert decision.reason == "it names no service"


@pytest.mark.parametrize("kind", ["restart", "scale_out"])
def test_spent_budget_asks_for_a_human(kind: Kind) -> None:
    done = [restarted(599 - number, number + 10) for number in range(LIMITS.budget)]
    world = replace(WORLD, done=done)
    sick = HUNG if kind == "restart" else BUSY
    decision = decide(Wish(kind, "so"), sick, world, LIMITS)
    assert (decision.action, decision.code) == ("none", BUDGET_EXHAUSTED)
    assert decision.reason == ("5 actions within 10 min are as many as may be: a human has to look")
    assert decide(Wish(kind, "so"), sick, replace(world, now=NOW + 2), LIMITS).action == kind


def test_giving_back_costs_nothing() -> None:
    world = replace(WORLD, done=[scaled(500 - number, "scale_in") for number in range(9)])
    assert left(world, LIMITS) == LIMITS.budget
    world = replace(WORLD, done=[restarted(500 - number, 9) for number in range(LIMITS.budget)])
    assert scale("scale_in", world).action == "scale_in"
    assert scale("scale_out", world).code == BUDGET_EXHAUSTED


def test_budget_is_whole_after_a_human_has_looked() -> None:
    world = replace(WORLD, done=[restarted(99, 9)] * 5)
    assert left(world, LIMITS) == 0
    assert left(replace(world, counted_from=NOW - 50), LIMITS) == 5


def test_the_down_one_comes_before_the_slow_one() -> None:
    states = {1: "ready", 2: "unready", 3: "down"}
    world = replace(WORLD, instances=[instance(n, state) for n, state in states.items()])
    alerts = [replace(HUNG, labels={"service": "web", "instance": f"web-{n}"}) for n in states]
    ranked = sorted(alerts, key=lambda sick: rank(sick, world))
    assert [sick.instance for sick in ranked] == ["web-3", "web-2", "web-1"]


def test_every_code_can_be_a_label() -> None:
    assert len(CODES) == len(set(CODES))
    assert all(code.isidentifier() for code in CODES)


TIMES = st.floats(min_value=1, max_value=2000)
ALERTS = st.lists(st.tuples(TIMES, st.integers(1, 9), st.sampled_from(KINDS)), max_size=300)


@given(alerts=ALERTS, limits=st.builds(lambda n: replace(LIMITS, budget=n), st.integers(1, 8)))
def test_no_storm_gets_more_than_the_budget(
    alerts: list[tuple[float, int, Kind]], limits: Limits
) -> None:
    done: list[Action] = []
    instances = [instance(number, "down") for number in range(1, 10)]
    for now, number, kind in sorted(alerts):
        sick = replace(HUNG, labels={"service": "web", "instance": f"web-{number}"}, since=0)
        world = replace(WORLD, now=now, instances=instances, done=list(done))
        decision = decide(Wish(kind, "so"), sick, world, limits)
        if decision.action != "none":
            done.append(Action(decision.action, "web", decision.target, now, now))
    for action in done:
        counted = [each for each in done if each.kind != "scale_in"]
        window = [
            each
            for each in counted
            if action.started_at - 600 < each.started_at <= action.started_at
        ]
        assert len(window) <= limits.budget


@given(alerts=ALERTS)
def test_scaling_never_flaps(alerts: list[tuple[float, int, Kind]]) -> None:
    done: list[Action] = []
    for now, _, kind in sorted(alerts):
        world = replace(WORLD, now=now, done=list(done))
        decision = decide(Wish(kind, "so"), replace(BUSY, since=0), world, LIMITS)
        if decision.action != "none":
            done.append(Action(decision.action, "web", "web", now, now))
    for before, after in pairwise(done):
        settle = (
            LIMITS.scale_in_stabilization
            if after.kind == "scale_in"
            else LIMITS.scale_out_stabilization
        )
        assert after.started_at - before.started_at >= settle
