"""Before it acts, the healer asks Alertmanager; what it was not told of it takes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerting.responder.healing.alertmanager import AlertmanagerAlert
from alerting.responder.healing.reconciler import Reconciler
from tests.unit.alerting.responder.healing.conftest import BEGAN, Stack, after, codes, held
from tests.unit.alerting.responder.healing.samples import LIMITS

Tell = Callable[..., None]
DOWN = {"alertname": "InstanceDown", "service": "web", "instance": "web-1"}
UNTOLD = AlertmanagerAlert("f", DOWN, BEGAN, silenced=False, notifies_responder=True)


def test_a_silenced_instance_is_not_touched(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    (firing,) = stack.stores.alerts.firing()
    stack.fires = [held(firing, silenced=True, notifies_responder=False)]
    healer.reconcile(after(1))
    assert (stack.submitted, codes(stack)) == ([], ["excluded"])


def test_what_alertmanager_forgot_is_over(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    stack.fires = []
    healer.reconcile(after(1))
    assert stack.submitted == []
    assert stack.stores.alerts.firing() == []


def test_what_is_held_long_untold_is_taken_up(stack: Stack, healer: Reconciler) -> None:
    stack.fires = [UNTOLD]
    healer.resync(after(LIMITS.staleness - 1))
    assert stack.stores.alerts.firing() == []
    healer.resync(after(LIMITS.staleness + 1))
    healer.reconcile(after(LIMITS.staleness + 1))
    assert [deed.action.target for deed in stack.submitted] == ["web-1"]


def test_what_may_not_be_told_is_not_taken_up(stack: Stack, healer: Reconciler) -> None:
    stack.fires = [replace(UNTOLD, notifies_responder=False)]
    healer.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_what_alertmanager_lost_comes_back_as_it_was(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    tell("ClockSkew")
    tell()
    known = [held(each) for each in stack.stores.alerts.firing()]
    stack.fires = []  # it has restarted
    healer.reconcile(after(1))
    assert stack.stores.alerts.firing() == []
    stack.fires = known
    healer.resync(after(LIMITS.staleness + 1))
    assert len(stack.stores.alerts.firing()) == 2


def test_what_was_resolved_is_not_taken_up(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    tell()
    stack.fires = [held(each) for each in stack.stores.alerts.firing()]
    tell("InstanceDown", "resolved")
    healer.resync(after(3600))
    assert stack.stores.alerts.firing() == []


def test_a_fresh_word_counts_while_alertmanager_is_away(
    stack: Stack, healer: Reconciler, tell: Tell
) -> None:
    stack.asked = False
    tell()
    healer.reconcile(after(1))
    assert len(stack.submitted) == 1


def test_an_old_word_does_not(stack: Stack, healer: Reconciler, tell: Tell) -> None:
    stack.asked = False
    tell()
    healer.reconcile(after(LIMITS.staleness + 1))
    assert codes(stack) == ["unconfirmed"]


@pytest.mark.parametrize("fires", [[], [UNTOLD]], ids=["nothing", "another"])
def test_what_nobody_acts_on_needs_no_confirmation(
    stack: Stack, healer: Reconciler, tell: Tell, fires: list[AlertmanagerAlert]
) -> None:
    stack.fires = fires
    tell("ClockSkew")
    healer.reconcile(after(1))
    assert len(stack.stores.alerts.firing()) == 1
