from pathlib import Path

import pytest

from alertdrill.runtimes.native.plan import Plan
from alertdrill.runtimes.native.state import ScaleState
from alertdrill.settings import SERVICES, StackSettings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def state(file: Path) -> ScaleState:
    return ScaleState(file, StackSettings(file.parent, instances={"web": 3}))


def test_unasked_scale_is_the_floor(state: ScaleState) -> None:
    assert (state.scale("web"), state.scale("data-service")) == (3, 2)


def test_asked_scale_outlives_the_command(state: ScaleState, file: Path) -> None:
    state.set("web", 4)
    state.set("data-service", 1)
    again = ScaleState(file, StackSettings(file.parent))
    assert (again.scale("web"), again.scale("data-service")) == (4, 1)


def test_reset_goes_back_to_the_floor(state: ScaleState) -> None:
    state.set("web", 1)
    state.reset()
    state.reset()  # twice is harmless
    assert state.scale("web") == 3


def test_cut_off_file_means_the_floor(state: ScaleState, file: Path) -> None:
    file.write_text('{"web": ')
    assert state.scale("web") == 3
    state.set("data-service", 1)
    assert (state.scale("web"), state.scale("data-service")) == (3, 1)


def test_instances_beyond_scale_stand_by(state: ScaleState, plan: Plan) -> None:
    state.set("web", 1)
    by = {one.name for one in plan.processes} - {one.name for one in state.wanted(plan)}
    others = {f"{name}-{number}" for name in SERVICES if name != "web" for number in (3, 4)}
    assert by == {"web-2", "web-3", "web-4", *others}
