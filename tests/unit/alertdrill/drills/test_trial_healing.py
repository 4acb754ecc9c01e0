from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import ready, trial
from alertdrill.drills.drill import ACTING, ACTIONS, Expectation
from alertdrill.drills.journal import Acted
from alertdrill.drills.outcome import Outcome
from tests.unit.alertdrill.drills.world import World

BROKEN = ("broken", "Down", [("resume", "web-1")])
MENDED: list[object] = ["cease", "resume", ("broken", "", [])]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_supervisors_healing_is_waited_for(world: World) -> None:
    world.took["healed"] = 8.0
    outcome = world.run(expect=Expectation({"severity": "page"}, heal="supervisor"))
    assert outcome.verdict == "passed"
    assert outcome.times["healed"] == pytest.approx(8, abs=0.3)
    assert outcome.limits == {"notified": 15, "healed": 15, "resolved": 15}
    assert (outcome.heal, outcome.actions) == ("supervisor", [])


def test_fault_outlives_supervisors_healing(world: World) -> None:
    told = world.runtime.told

    def late(*order: Any) -> None:
        world.clock.sleep(2.0)
        told(*order)

    world.runtime.told = late
    outcome = world.run(expect=Expectation({"severity": "page"}, heal="supervisor"))
    assert outcome.injected
    assert outcome.removed
    # It goes on although it is healed, as a kill does that comes again.
    assert outcome.over == outcome.removed
    assert outcome.removed >= outcome.injected + outcome.times["healed"] + 2
    assert outcome.times["resolved"] == pytest.approx(5, abs=0.2)


def test_missing_healing_fails_the_drill(world: World) -> None:
    world.took["healed"] = None
    outcome = world.run(expect=Expectation(heal="supervisor"))
    assert outcome.reason == "Down was not healed within 15.0 s."
    assert world.log[-3:] == MENDED


# What the responder heals


def healing(world: World, heal: str = "restart", **drill: Any) -> Outcome:
    """Run a drill that the responder is to heal: within 15 s to its notification, and 30 s."""
    expect = Expectation({"severity": "page"}, heal=heal)
    return world.run(expect=expect, heal=5.0, **drill)


def acted(target: str, kind: str = "restart") -> Acted:
    return Acted("Down", kind, target.rpartition("-")[0] or target, target, "done", 0.0, 0.0)


@pytest.mark.parametrize("kind", ACTIONS)
def test_action_resolves_before_fault_ends(world: World, kind: str) -> None:
    world.took["healed"] = 8.0
    world.acts = kind
    outcome = healing(world, kind)
    assert (outcome.verdict, outcome.reason) == ("passed", "")
    assert list(outcome.times) == ["pending", "firing", "notified", "healed", "resolved"]
    assert outcome.times["healed"] == pytest.approx(8, abs=0.01)
    assert outcome.times["resolved"] == pytest.approx(5, abs=0.01)
    assert outcome.limits == {"notified": 15, "healed": 15 + 5 + ACTING, "resolved": 15}
    assert (outcome.heal, outcome.actions) == (kind, [f"{kind} of web-1"])
    assert outcome.injected
    assert outcome.over == pytest.approx(outcome.injected + 8, abs=0.01)
    assert outcome.removed
    assert outcome.removed >= outcome.injected + 8 + 5


def test_fault_lasts_until_healing_resolves(world: World) -> None:
    world.acts = "restart"
    healing(world)
    assert ("inject", 15 + 5 + ACTING + 15 + trial.MARGIN) in world.log


def test_fault_that_stays_fails_the_drill(world: World) -> None:
    world.acts = "restart"
    world.took["resolved"] = None  # it was restarted, and is as sick as before
    outcome = healing(world)
    assert (outcome.verdict, outcome.reason) == (
        "failed",
        "Down was not resolved within 15.0 s.",
    )
    assert world.log[-3:] == MENDED
    assert outcome.actions == ["restart of web-1"]


def test_end_of_fault_heals_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.acts = "restart"
    # It resolves as the fault is undone, and not by what the responder did.
    monkeypatch.setattr(world, "_over", lambda: world.off)
    assert healing(world).reason == "Down was not resolved within 15.0 s."


@pytest.mark.parametrize("did", ["", "scale_out"])
def test_missing_action_fails_the_drill(world: World, did: str) -> None:
    world.acts = did
    assert healing(world).reason == "Down was not healed within 45.0 s."
    assert world.log[-3:] == MENDED


def test_touched_stranger_fails_the_drill(world: World) -> None:
    world.more = [(4.0, acted("web-2"))]
    world.unsteady = (0.0, 1e6)  # which is the smaller evil
    outcome = world.run()
    assert (outcome.verdict, outcome.reason) == (
        "failed",
        "The responder did restart of web-2 for Down, which the fault (pause on web-1) did not"
        " strike.",
    )
    assert outcome.actions == ["restart of web-2"]


def test_stranger_touched_afterwards_fails_too(world: World) -> None:
    world.unsteady = (0.0, 10.0)
    world.more = [(14.0, acted("web-2"))]  # resolved comes 11 s after the fault
    outcome = world.run()
    assert outcome.verdict == "failed"
    assert "restart of web-2" in outcome.reason


@pytest.mark.parametrize("kind", ["scale_out", "restart"])
def test_floor_is_waited_for(world: World, kind: str) -> None:
    world.acts = kind
    world.unsteady = (0.0, 15 + ready.SCALE_IN)
    assert healing(world, kind).verdict == ("passed" if kind == "scale_out" else "deviated")
