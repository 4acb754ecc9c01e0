"""Fixtures of the tests of drills."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills.faults import Fault, registry
from alertdrill.drills.model import FaultSpec
from tests.unit.alertdrill.drills.fakes import FakeTraffic, make_context
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack
from tests.unit.alertdrill.fake_runtime import FakeRuntime


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(tmp_path)


@pytest.fixture
def traffic() -> FakeTraffic:
    return FakeTraffic()


@pytest.fixture
def make(runtime: Any, traffic: Any) -> Callable[..., Fault]:
    def make_fault(
        kind: str, target: str = "", run_id: str = "the-run", **parameters: float | str
    ) -> Fault:
        context = make_context(runtime, runtime.folder, traffic=traffic, run_id=run_id)
        spec = FaultSpec(kind=kind, target=target, parameters=parameters)
        return registry.create(spec, context, max_duration=99.0)

    return make_fault


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedStack:
    return SimulatedStack(tmp_path, monkeypatch)
