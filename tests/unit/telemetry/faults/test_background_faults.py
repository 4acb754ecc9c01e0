from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from alertdrill_telemetry.faults.background_faults import MIB, TICK_S, BackgroundFaults
from alertdrill_telemetry.faults.kinds import KINDS, parse_fault
from alertdrill_telemetry.faults.state import FaultState
from alertdrill_telemetry.metrics import Metrics
from alertdrill_telemetry.shared_counters import shared_counters


class FakeClock:
    """A clock that moves 1 ms whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def state() -> FaultState:
    return FaultState(shared_counters())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def background(state: FaultState, metrics: Metrics, clock: FakeClock) -> Iterator[BackgroundFaults]:
    faults = BackgroundFaults(state, metrics, clock)
    yield faults
    state.disable("memory")
    faults.tick(0)


def test_no_fault_does_nothing(
    background: BackgroundFaults, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    background.tick(10)
    assert (background.allocated_mib(), clock.now, caplog.records) == (0, 0, [])


def test_gauge_shows_each_fault(
    background: BackgroundFaults, state: FaultState, metrics: Metrics
) -> None:
    state.enable(parse_fault("hang", {}))
    background.update_gauge()
    shown = {k: metrics.registry.get_sample_value("fault_active", {"kind": k}) for k in KINDS}
    assert shown == {kind: float(kind == "hang") for kind in KINDS}
    state.disable("hang")
    background.tick(0)
    assert metrics.registry.get_sample_value("fault_active", {"kind": "hang"}) == 0


def test_memory_grows_to_its_limit(background: BackgroundFaults, state: FaultState) -> None:
    state.enable(parse_fault("memory", {"mib_per_second": 4, "mib": 3}))
    grown = []
    for _ in range(4):
        background.tick(0.25)
        grown.append(background.allocated_mib())
    assert grown == [1, 2, 3, 3]
    assert sum(len(block) for block in background._blocks) == 3 * MIB


def test_memory_is_released(background: BackgroundFaults, state: FaultState) -> None:
    state.enable(parse_fault("memory", {"mib": 1}))
    background.tick(1)
    assert background.allocated_mib() == 1
    state.disable("memory")
    background.tick(1)
    assert background.allocated_mib() == 0


def test_lines_come_at_their_rate(
    background: BackgroundFaults, state: FaultState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state.enable(parse_fault("log_flood", {"lines_per_second": 25, "error_ratio": 0}))
    for _ in range(40):
        background.tick(TICK_S)
    assert len(caplog.records) == pytest.approx(100, abs=1)  # floats lose a part of a line
    assert {record.levelname for record in caplog.records} == {"INFO"}


@pytest.mark.parametrize(("ratio", "errors"), [(0.0, 0), (0.25, 50), (1.0, 200)])
def test_errors_have_their_ratio(
    background: BackgroundFaults, state: FaultState, caplog: pytest.LogCaptureFixture, ratio: float,
    errors: int,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    state.enable(parse_fault("log_flood", {"lines_per_second": 200, "error_ratio": ratio}))
    background.tick(1)
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == errors


def test_errors_keep_their_ratio_over_ticks(
    background: BackgroundFaults, state: FaultState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state.enable(parse_fault("log_flood", {"lines_per_second": 100, "error_ratio": 0.5}))
    for _ in range(20):
        background.tick(TICK_S)  # ten lines each
    errors = sum(record.levelno == logging.ERROR for record in caplog.records)
    assert errors == pytest.approx(100, abs=2)


@pytest.mark.parametrize(("load", "work"), [(0.5, TICK_S), (0.2, TICK_S / 4), (1.0, TICK_S * 49)])
def test_cpu_works_its_fraction(
    background: BackgroundFaults, state: FaultState, clock: FakeClock, load: float, work: float
) -> None:
    state.enable(parse_fault("cpu", {"load": load}))
    background.tick(TICK_S)
    assert clock.now == pytest.approx(work, abs=0.005)


def test_cpu_work_ends_with_the_fault(
    background: BackgroundFaults,
    state: FaultState,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state.enable(parse_fault("cpu", {"load": 1.0}))
    remaining = state.remaining
    monkeypatch.setattr(state, "remaining", lambda kind: remaining(kind) if clock.now < 1 else 0.0)
    background.tick(TICK_S)
    assert clock.now == pytest.approx(1, abs=0.005)
