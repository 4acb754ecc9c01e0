"""What the tests of several modules start from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import faults
from alertdrill.drills.drill import FaultSpec
from alertdrill.drills.faults import Fault, Scene
from tests.unit.alertdrill.drills.api import Api
from tests.unit.alertdrill.drills.fakes import FakeRuntime, FakeTraffic
from tests.unit.alertdrill.drills.session_stage import Stage


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(tmp_path)


@pytest.fixture
def traffic() -> FakeTraffic:
    return FakeTraffic()


@pytest.fixture
def make(runtime: Any, traffic: Any) -> Callable[..., Fault]:
    def made(kind: str, target: str = "", **parameters: float | str) -> Fault:
        scene = Scene(runtime, traffic, "the-run", lasts=99.0)
        return faults.make(FaultSpec(kind, target, parameters), scene)

    return made


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)
