"""Before it acts, the healer asks Alertmanager; what it was not told of it takes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting.responder.healing.alertmanager import Held
from alerting.responder.healing.healer import Healer
from tests.unit.alerting.responder.healing.conftest import BEGAN, Stack, after, codes, held
from tests.unit.alerting.responder.healing.samples import LIMITS

Tell = Callable[..., None]
DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
UNTOLD = Held("f", DOWN, BEGAN, silenced=False, tells=True)


def test_a_silenced_instance_is_not_touched(stack: Stack, healer: Healer, tell: Tell) -> None:
    tell()
    (firing,) = stack.records.current.firing()
    stack.fires = [held(firing, silenced=True, tells=False)]
    healer.turn(after(1))
    assert (stack.taken_up, codes(stack)) == ([], ["excluded"])


def test_what_alertmanager_forgot_is_over(stack: Stack, healer: Healer, tell: Tell) -> None:
    tell()
    stack.fires = []
    healer.turn(after(1))
    assert stack.taken_up == []
    assert stack.records.current.firing() == []


def test_what_is_held_long_untold_is_taken_up(stack: Stack, healer: Healer) -> None:
    stack.fires = [UNTOLD]
    healer.look_around(after(LIMITS.staleness - 1))
    assert stack.records.current.firing() == []
    healer.look_around(after(LIMITS.staleness + 1))
    healer.turn(after(LIMITS.staleness + 1))
    assert [deed.action.target for deed in stack.taken_up] == ["web-1"]


def test_what_may_not_be_told_is_not_taken_up(stack: Stack, healer: Healer) -> None:
    stack.fires = [replace(UNTOLD, tells=False)]
    healer.look_around(after(3600))
    assert stack.records.current.firing() == []


def test_what_alertmanager_lost_comes_back_as_it_was(
    stack: Stack, healer: Healer, tell: Tell
) -> None:
    tell("ClockSkew")
    tell()
    known = [held(each) for each in stack.records.current.firing()]
    stack.fires = []  # it has restarted
    healer.turn(after(1))
    assert stack.records.current.firing() == []
    stack.fires = known
    healer.look_around(after(LIMITS.staleness + 1))
    assert len(stack.records.current.firing()) == 2


def test_what_was_resolved_is_not_taken_up(stack: Stack, healer: Healer, tell: Tell) -> None:
    tell()
    stack.fires = [held(each) for each in stack.records.current.firing()]
    tell("InstanceDown", "resolved")
    healer.look_around(after(3600))
    assert stack.records.current.firing() == []


def test_a_fresh_word_counts_while_alertmanager_is_away(
    stack: Stack, healer: Healer, tell: Tell
) -> None:
    stack.asked = False
    tell()
    healer.turn(after(1))
    assert len(stack.taken_up) == 1


def test_an_old_word_does_not(stack: Stack, healer: Healer, tell: Tell) -> None:
    stack.asked = False
    tell()
    healer.turn(after(LIMITS.staleness + 1))
    assert codes(stack) == ["unconfirmed"]


@pytest.mark.parametrize("fires", [[], [UNTOLD]], ids=["nothing", "another"])
def test_what_nobody_acts_on_needs_no_confirmation(
    stack: Stack, healer: Healer, tell: Tell, fires: list[Held]
) -> None:
    stack.fires = fires
    tell("ClockSkew")
    healer.turn(after(1))
    assert len(stack.records.current.firing()) == 1
