from typing import Any

import pytest

from alertdrill.clients.responder import PerformedAction
from alertdrill.drills import steady_state
from alertdrill.drills.model import ACTION_S, ACTIONS, FAULT_MARGIN_S, Action, Expectation, HealMode
from alertdrill.drills.result import DrillResult
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack

ROLLED_BACK: list[object] = ["stop", "resume", ("record", "", [])]


def test_healing_by_supervisor_is_awaited(simulated: SimulatedStack) -> None:
    simulated.delays["healed"] = 8.0
    result = simulated.run(expect=Expectation(labels={"severity": "page"}, heal="supervisor"))
    assert result.verdict == "passed"
    assert result.times["healed"] == pytest.approx(8, abs=0.3)
    assert result.limits == {"notified": 15, "healed": 15, "resolved": 15}
    assert (result.heal, result.actions) == ("supervisor", [])


def test_fault_outlasts_healing_by_supervisor(simulated: SimulatedStack) -> None:
    on_call = simulated.runtime.on_call

    def late(*order: Any) -> None:
        simulated.clock.sleep(2.0)
        on_call(*order)

    simulated.runtime.on_call = late
    result = simulated.run(expect=Expectation(labels={"severity": "page"}, heal="supervisor"))
    assert result.injected
    assert result.removed
    # The fault continues after the healing, like repeated kills.
    assert result.recovered_at == result.removed
    assert result.removed >= result.injected + result.times["healed"] + 2
    assert result.times["resolved"] == pytest.approx(5, abs=0.2)


def test_missing_healing_fails_the_drill(simulated: SimulatedStack) -> None:
    simulated.delays["healed"] = None
    result = simulated.run(expect=Expectation(heal="supervisor"))
    assert result.reason == "Down was not healed within 15.0 s."
    assert simulated.log[-3:] == ROLLED_BACK


# Healing by the responder


def healing(simulated: SimulatedStack, heal: HealMode = "restart", **drill: Any) -> DrillResult:
    """Run a drill that expects healing: 15 s to the notification, then 30 s to the healing."""
    expect = Expectation(labels={"severity": "page"}, heal=heal)
    return simulated.run(expect=expect, heal=5.0, **drill)


def acted(target: str, kind: str = "restart") -> PerformedAction:
    return PerformedAction(
        "Down", kind, target.rpartition("-")[0] or target, target, "done", 0.0, 0.0
    )


@pytest.mark.parametrize("kind", ACTIONS)
def test_action_resolves_the_alert_under_the_fault(simulated: SimulatedStack, kind: Action) -> None:
    simulated.delays["healed"] = 8.0
    simulated.healing = kind
    result = healing(simulated, kind)
    assert (result.verdict, result.reason) == ("passed", "")
    assert list(result.times) == ["pending", "firing", "notified", "healed", "resolved"]
    assert result.times["healed"] == pytest.approx(8, abs=0.01)
    assert result.times["resolved"] == pytest.approx(5, abs=0.01)
    assert result.limits == {"notified": 15, "healed": 15 + 5 + ACTION_S, "resolved": 15}
    assert (result.heal, result.actions) == (kind, [f"{kind} of web-1"])
    assert result.injected
    assert result.recovered_at == pytest.approx(result.injected + 8, abs=0.01)
    assert result.removed
    assert result.removed >= result.injected + 8 + 5


def test_fault_lasts_until_the_alert_resolves(simulated: SimulatedStack) -> None:
    simulated.healing = "restart"
    healing(simulated)
    assert ("inject", 15 + 5 + ACTION_S + 15 + FAULT_MARGIN_S) in simulated.log


def test_unresolved_alert_fails_the_drill(simulated: SimulatedStack) -> None:
    simulated.healing = "restart"
    simulated.delays["resolved"] = None  # the restart does not help
    result = healing(simulated)
    assert (result.verdict, result.reason) == (
        "failed",
        "Down was not resolved within 15.0 s.",
    )
    assert simulated.log[-3:] == ROLLED_BACK
    assert result.actions == ["restart of web-1"]


def test_end_of_fault_is_not_healing(
    simulated: SimulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated.healing = "restart"
    # The alert resolves because the fault is undone, not because of the action.
    monkeypatch.setattr(simulated, "_recovered_at", lambda: simulated.removed)
    assert healing(simulated).reason == "Down was not resolved within 15.0 s."


@pytest.mark.parametrize("action", ["", "scale_out"])
def test_missing_action_fails_the_drill(simulated: SimulatedStack, action: str) -> None:
    simulated.healing = action
    assert healing(simulated).reason == "Down was not healed within 45.0 s."
    assert simulated.log[-3:] == ROLLED_BACK


def test_action_outside_blast_radius_fails_the_drill(simulated: SimulatedStack) -> None:
    simulated.extra_actions = [(4.0, acted("web-2"))]
    simulated.unsteady = (0.0, 1e6)  # a failure outweighs a deviation
    result = simulated.run()
    assert (result.verdict, result.reason) == (
        "failed",
        "The responder did restart of web-2 for Down, which the fault (pause on web-1)"
        " does not affect.",
    )
    assert result.actions == ["restart of web-2"]


def test_late_action_outside_blast_radius_fails_the_drill(simulated: SimulatedStack) -> None:
    simulated.unsteady = (0.0, 10.0)
    simulated.extra_actions = [(14.0, acted("web-2"))]  # resolved comes 11 s after the fault
    result = simulated.run()
    assert result.verdict == "failed"
    assert "restart of web-2" in result.reason


@pytest.mark.parametrize("kind", ["scale_out", "restart"])
def test_scale_in_is_awaited(simulated: SimulatedStack, kind: Action) -> None:
    simulated.healing = kind
    simulated.unsteady = (0.0, 15 + steady_state.SCALE_IN_S)
    assert healing(simulated, kind).verdict == ("passed" if kind == "scale_out" else "deviated")
