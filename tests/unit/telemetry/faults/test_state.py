from __future__ import annotations

import pytest

from alertdrill_telemetry.faults.kinds import KINDS, parse_fault
from alertdrill_telemetry.faults.state import FaultState
from alertdrill_telemetry.shared_counters import shared_counters


class FakeClock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(clock: FakeClock) -> FaultState:
    return FaultState(shared_counters(), clock)


@pytest.mark.parametrize("kind", KINDS)
def test_enabling_a_fault_affects_no_other(state: FaultState, kind: str) -> None:
    parameters = {name: p.minimum for name, p in KINDS[kind].parameters.items()}
    fault = parse_fault(kind, {"probability": 0.5, "duration": 7, **parameters})
    state.enable(fault)
    assert state.active(kind) == fault
    assert state.remaining(kind) == 7
    assert [other for other in KINDS if state.active(other)] == [kind]
    state.disable(kind)
    assert state.active(kind) is None
    assert state.remaining(kind) == 0


def test_fault_ends_by_itself(state: FaultState, clock: FakeClock) -> None:
    state.enable(parse_fault("hang", {"duration": 10}))
    clock.now += 9.9
    assert state.active("hang")
    clock.now += 0.1
    assert state.active("hang") is None
    assert state.should_inject("hang") is None


def test_second_enabling_changes_the_fault(state: FaultState, clock: FakeClock) -> None:
    state.enable(parse_fault("latency", {"seconds": 1, "duration": 10}))
    clock.now += 5
    state.enable(parse_fault("latency", {"seconds": 2, "duration": 10}))
    fault = state.active("latency")
    assert fault is not None
    assert fault.parameters == {"seconds": 2}
    assert state.remaining("latency") == 10


@pytest.mark.parametrize("probability", [0.0, 0.04, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("requests", [25, 50, 1000])
def test_probability_is_the_share(clock: FakeClock, probability: float, requests: int) -> None:
    state = FaultState(shared_counters(), clock)
    state.enable(parse_fault("errors", {"probability": probability}))
    for _ in range(3):
        injected = sum(state.should_inject("errors") is not None for _ in range(requests))
        assert abs(injected - requests * probability) <= 2


def test_each_kind_is_spread_evenly(clock: FakeClock) -> None:
    state = FaultState(shared_counters(), clock)
    for kind in ("errors", "latency"):
        state.enable(parse_fault(kind, {"probability": 0.5}))
    injected = [
        (state.should_inject("errors"), state.should_inject("latency"))[0] for _ in range(100)
    ]
    assert abs(len([fault for fault in injected if fault]) - 50) <= 2
