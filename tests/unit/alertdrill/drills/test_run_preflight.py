import pytest

from alertdrill.drills.backfill import SETTLE_S
from alertdrill.drills.model import DrillError, LoadSpec, SyntheticSeries
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack


def test_unsteady_stack_aborts_the_drill(simulated: SimulatedStack) -> None:
    simulated.unsteady = (1e6, 0.0)
    result = simulated.run()
    assert result.verdict == "aborted"
    assert result.reason == "The stack had no steady state before the fault: lb-1 is failed."
    assert (result.injected, result.chart, result.ideal) == (None, None, {})
    assert simulated.log == []


def test_steady_state_is_awaited(simulated: SimulatedStack) -> None:
    simulated.unsteady = (20.0, 5.0)
    result = simulated.run()
    assert result.verdict == "passed"
    assert result.injected
    assert result.injected - result.began >= 20


def test_active_fault_aborts_the_drill(simulated: SimulatedStack) -> None:
    simulated.active_fault = "web has the fault errors."
    result = simulated.run()
    assert (result.verdict, simulated.log) == ("aborted", [])
    assert result.reason.endswith("before the fault: web has the fault errors.")


def test_dead_load_aborts_the_drill(simulated: SimulatedStack) -> None:
    simulated.traffic.error = DrillError("Locust has ended: no output.")
    result = simulated.run()
    assert result.verdict == "aborted"
    assert "Locust has ended" in result.reason


def test_load_of_the_drill_is_started(simulated: SimulatedStack) -> None:
    simulated.run(load=LoadSpec(shape="steady", users=60))
    assert simulated.traffic.calls == [LoadSpec(shape="steady", users=60)]


# Backfilled history

PAST = [SyntheticSeries(series="up", duration=60.0, step=30.0, start_value=1.0, end_value=1.0)]


@pytest.mark.parametrize("past", [[], PAST])
def test_real_stack_keeps_its_history(
    simulated: SimulatedStack, past: list[SyntheticSeries]
) -> None:
    simulated.run(backfill=past)
    assert "delete_series" not in simulated.log
    assert "backfill" not in simulated.log


def test_ephemeral_stack_starts_without_history(simulated: SimulatedStack) -> None:
    simulated.runtime.ephemeral = True
    result = simulated.run()
    assert simulated.log[0] == "delete_series"
    assert "backfill" not in simulated.log
    assert result.injected
    assert result.injected - result.began >= SETTLE_S


def test_history_is_backfilled(simulated: SimulatedStack) -> None:
    simulated.runtime.ephemeral = True
    samples: list[str] = []
    on_call = simulated.runtime.on_call
    simulated.runtime.on_call = lambda *order: (
        samples.append(order[1].read_text()) if order[0] == "backfill" else on_call(*order)
    )
    assert simulated.run(backfill=PAST).backfilled
    assert simulated.log[0] == "delete_series"
    assert samples[0].startswith("# TYPE up gauge\n")
    assert list(simulated.folder.glob("*.om")) == []
