"""A busy machine is no failure of a rule, and no excuse of a broken one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alertdrill.drills import diagnose
from alertdrill.drills.faults import Effect
from alertdrill.drills.inconclusive import explain, slack
from alertdrill.drills.machine import MachineUse
from alertdrill.drills.model import GRACE_S
from alertdrill.drills.pipeline_delay import PipelineDelay
from alertdrill.drills.result import IdealTime
from tests.unit.alertdrill.drills.results import PASSED
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack

BUSY = MachineUse(busy=0.98, waiting=0.95, load=9.0)
IDLE = MachineUse(busy=0.2, waiting=0.1, load=0.3)
WEAK = Effect(0.66, 0.98, "of a processor")
FULL = Effect(0.95, 0.98, "of a processor")


def test_weak_fault_on_a_busy_machine_is_inconclusive(simulated: SimulatedStack) -> None:
    simulated.delays["pending"] = None
    simulated.use, simulated.effect = BUSY, WEAK
    result = simulated.run()
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("This machine is too busy: the fault reached only 0.66 of 0.98")
    assert "98% of" in result.reason
    assert "load average 9.0" in result.reason
    assert result.reason.endswith("Down was not pending within 15.0 s.")


@pytest.mark.parametrize("phase", ["pending", "firing", "notified"])
def test_late_pipeline_on_a_busy_machine_is_inconclusive(
    simulated: SimulatedStack, phase: str
) -> None:
    simulated.delays[phase] = None
    simulated.use, simulated.missed_share = BUSY, 0.5
    result = simulated.run()
    assert result.verdict == "inconclusive"
    assert "rule evaluations 7." in result.reason
    assert "the deadline allows for 5.0 s" in result.reason


def test_late_pipeline_after_the_fault_is_inconclusive(simulated: SimulatedStack) -> None:
    simulated.delays["resolved"] = None
    simulated.use, simulated.missed_share = BUSY, 0.5
    assert simulated.run().verdict == "inconclusive"


def test_late_pipeline_without_steady_state_is_inconclusive(simulated: SimulatedStack) -> None:
    simulated.unsteady = (1e6, 0.0)
    # Of the 580 s at speed 1, more than the grace.
    simulated.use, simulated.missed_share = BUSY, 0.02
    result = simulated.run()
    assert (result.verdict, result.injected) == ("inconclusive", None)
    assert result.reason.endswith("lb-1 is failed.")


@pytest.mark.parametrize(
    ("deviation", "use", "verdict"),
    [
        ("HostCpuHigh is firing.", BUSY, "inconclusive"),
        ("HostCpuHigh is firing.", IDLE, "deviated"),
        ("HostCpuHigh, Saturated is firing.", BUSY, "deviated"),
    ],
)
def test_only_a_busy_machine_excuses_the_alert_about_it(
    simulated: SimulatedStack, deviation: str, use: MachineUse, verdict: str
) -> None:
    simulated.unsteady = (0.0, 1e6)
    simulated.deviation, simulated.use = deviation, use
    assert simulated.run().verdict == verdict


def test_inconclusive_drill_does_not_blame_the_rule(
    simulated: SimulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated.delays["pending"] = None
    simulated.use, simulated.effect = BUSY, WEAK
    sentence = f"it must be > 0.7{diagnose.NO_EFFECT_OR_WRONG_RULE}"
    monkeypatch.setattr(diagnose, "explain_missing", lambda *_, **__: sentence)
    assert simulated.run().reason.endswith("it must be > 0.7.")


def test_broken_rule_fails_although_the_machine_is_busy(simulated: SimulatedStack) -> None:
    simulated.delays["pending"] = None
    simulated.use, simulated.effect, simulated.missed_share = BUSY, FULL, 0.1
    result = simulated.run()
    assert (result.verdict, result.reason) == ("failed", "Down was not pending within 15.0 s.")


def test_weak_fault_on_an_idle_machine_fails_and_is_named(simulated: SimulatedStack) -> None:
    simulated.delays["pending"] = None
    simulated.effect = WEAK
    result = simulated.run()
    assert result.verdict == "failed"
    assert "The fault reached only 0.66 of 0.98 of a processor." in result.reason


def test_late_pipeline_on_an_idle_machine_fails(simulated: SimulatedStack) -> None:
    # The evaluation of the rule itself may take longer than its interval.
    simulated.delays["pending"] = None
    simulated.missed_share = 0.9
    assert simulated.run().verdict == "failed"


def test_effect_does_not_count_after_the_notification(simulated: SimulatedStack) -> None:
    simulated.delays["resolved"] = None
    simulated.use, simulated.effect = BUSY, WEAK
    assert simulated.run().verdict == "failed"


def test_late_pipeline_excuses_no_second_page(simulated: SimulatedStack) -> None:
    simulated.use, simulated.missed_share = BUSY, 1.0
    simulated.pages = ["Down", "Also"]
    assert simulated.run().verdict == "failed"


@pytest.mark.parametrize(
    ("use", "lost", "excused"),
    [
        (BUSY, PipelineDelay(3.0, 3.0), True),
        (BUSY, PipelineDelay(3.0, 1.9), False),
        (IDLE, PipelineDelay(9.0, 9.0), False),
        (replace(BUSY, waiting=None), PipelineDelay(9.0, 9.0), True),
        (replace(IDLE, waiting=0.6), PipelineDelay(9.0, 9.0), True),
        (BUSY, None, False),
    ],
)
def test_both_the_machine_and_the_pipeline_must_show_it(
    use: MachineUse, lost: PipelineDelay | None, excused: bool
) -> None:
    assert bool(explain(use, None, lost, slack=5.0)) == excused


def test_slack_is_what_the_slowest_ideal_time_leaves() -> None:
    result = replace(
        PASSED,
        limits={"notified": 30.0, "resolved": 20.0},
        ideal={"firing": IdealTime(4, 8, 12), "notified": IdealTime(5, 9, 13)},
    )
    assert [slack(result, phase) for phase in ("pending", "firing", "notified")] == [18, 18, 17]
    assert slack(result, "resolved") == GRACE_S
