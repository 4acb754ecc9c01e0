from pathlib import Path

import pytest

from alertdrill.drills import ready
from alertdrill.drills.drill import ACTING, LoadSpec, Past
from alertdrill.drills.errors import DrillError
from alertdrill.drills.journal import Acted
from tests.unit.alertdrill.drills.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_unsteady_stack_aborts_the_drill(world: World) -> None:
    world.unsteady = (1e6, 0.0)
    outcome = world.run()
    assert outcome.verdict == "aborted"
    assert outcome.reason == "There was no steady state to begin with: lb-1 is failed."
    assert (outcome.injected, outcome.chart, outcome.least) == (None, None, None)
    assert world.log == []


def test_steady_state_is_waited_for(world: World) -> None:
    world.unsteady = (20.0, 5.0)
    outcome = world.run()
    assert outcome.verdict == "passed"
    assert outcome.injected
    assert outcome.injected - outcome.began >= 20


def test_left_fault_aborts_the_drill(world: World) -> None:
    world.left_fault = "web has the fault errors."
    outcome = world.run()
    assert (outcome.verdict, world.log) == ("aborted", [])
    assert outcome.reason.endswith("to begin with: web has the fault errors.")


def test_dead_load_aborts_the_drill(world: World) -> None:
    world.traffic.dead = DrillError("Locust did not run: no reason.")
    outcome = world.run()
    assert outcome.verdict == "aborted"
    assert "Locust did not run" in outcome.reason


def test_wanted_load_is_ensured(world: World) -> None:
    world.run(load=LoadSpec("steady", 60))
    assert world.traffic.asked == [LoadSpec("steady", 60)]


def acted(kind: str) -> Acted:
    return Acted("Down", kind, "web", "web", "done", 0.0, 1.0)


@pytest.mark.parametrize(("speed", "longer"), [(1.0, 550.0), (10.0, 55.0)])
def test_way_to_floor_takes_longer(speed: float, longer: float) -> None:
    assert ready.to_the_floor([acted("restart"), acted("scale_in")], speed) == 0
    assert ready.to_the_floor([acted("restart"), acted("scale_out")], speed) == longer + ACTING
    # A drill that failed up there does not have the next one aborted.
    assert longer + ACTING <= ready.STEADY_WORLD + ready.STEADY_SCALED / speed


# A past that is made up

PAST = [Past("up", 60.0, 30.0, 1.0, 1.0)]


@pytest.mark.parametrize("past", [[], PAST])
def test_real_stack_forgets_nothing(world: World, past: list[Past]) -> None:
    world.run(history=past)
    assert "forget_series" not in world.log
    assert "import_series" not in world.log


def test_rehearsal_begins_without_past(world: World) -> None:
    world.runtime.rehearsal = True
    outcome = world.run()
    assert world.log[0] == "forget_series"
    assert "import_series" not in world.log
    assert outcome.injected
    assert outcome.injected - outcome.began >= ready.SETTLE


def test_made_up_past_comes_next(world: World) -> None:
    world.runtime.rehearsal = True
    said: list[str] = []
    told = world.runtime.told
    world.runtime.told = lambda *order: (
        said.append(order[1].read_text()) if order[0] == "import_series" else told(*order)
    )
    assert world.run(history=PAST).history
    assert world.log[0] == "forget_series"
    assert said[0].startswith("# TYPE up gauge\n")
    assert list(world.folder.glob("*.om")) == []
