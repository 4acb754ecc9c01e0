import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.drills import chart_data, run
from alertdrill.drills.backfill import SETTLE_S
from alertdrill.drills.ideal_times import Pipeline
from alertdrill.drills.model import (
    FAULT_MARGIN_S,
    Crossing,
    DrillError,
    Expectation,
    LoadSpec,
    SyntheticSeries,
)
from alertdrill.drills.result import IdealTime
from tests.unit.alertdrill.drills.simulated_stack import SimulatedStack

RECORDED = ("record", "Down", [("resume", "web-1")])
ROLLED_BACK: list[object] = ["stop", "resume", ("record", "", [])]


def test_drill_passes_with_its_times(simulated: SimulatedStack) -> None:
    result = simulated.run()
    assert (result.verdict, result.reason) == ("passed", "")
    assert result.times == pytest.approx(
        {"pending": 2, "firing": 4, "notified": 6, "resolved": 5}, abs=0.2
    )
    assert result.limits == {"notified": 15, "resolved": 15}
    assert (result.severity, result.queries) == ("page", 3)
    assert result.began <= result.injected < result.removed < result.ended  # type: ignore[operator]


def test_undo_is_recorded_before_injection(simulated: SimulatedStack) -> None:
    simulated.run()
    assert [row for row in simulated.log if row != "runbook"] == [
        RECORDED,
        ("inject", 15 + 15 + FAULT_MARGIN_S),
        *ROLLED_BACK,
    ]


def test_phases_are_shown_in_order(simulated: SimulatedStack) -> None:
    simulated.run()
    reached = [row[1] for row in simulated.progress.events if row[0] == "reached"]
    assert reached == ["pending", "firing", "notified", "resolved"]


def test_ideal_times_are_computed(
    simulated: SimulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline("up == 0", scrape=5, evaluations=[5], hold=60, group_wait=10)
    monkeypatch.setattr(run, "find_pipeline", {"Down": pipeline}.get)
    simulated.runtime.speed = 10.0
    result = simulated.run(crossing=Crossing(fastest=6, slowest=6))
    assert result.ideal["firing"] == IdealTime(6.6, 7.1, 7.6)
    assert result.ideal["notified"].fastest == 7.6
    assert result.ratio == pytest.approx(4 / 7.1, abs=0.02)


def test_chart_begins_before_the_fault(simulated: SimulatedStack) -> None:
    result = simulated.run()
    assert result.chart
    assert result.injected
    assert result.chart.values[0].points[0][0] == result.injected - chart_data.SCRAPES_BEFORE * 5.0


@pytest.mark.parametrize("delay", [None, 16.0])
@pytest.mark.parametrize("phase", ["pending", "firing", "notified", "resolved"])
def test_missing_or_late_phase_fails_the_drill(
    simulated: SimulatedStack, phase: str, delay: float | None
) -> None:
    simulated.delays[phase] = delay
    result = simulated.run()
    assert (result.verdict, result.reason) == ("failed", f"Down was not {phase} within 15.0 s.")
    assert phase not in result.times
    assert simulated.log[-3:] == ROLLED_BACK


def test_runbook_is_checked_as_of_the_notification(simulated: SimulatedStack) -> None:
    result = simulated.run()
    assert result.injected
    assert simulated.checked_at == result.injected + 6


def test_runbook_of_late_alert_is_checked_now(simulated: SimulatedStack) -> None:
    simulated.delays["notified"] = 9.0
    result = simulated.run(expect=Expectation(labels={"severity": "page"}, notified="late"))
    assert result.injected
    assert result.removed
    assert result.injected + 4 <= simulated.checked_at <= result.removed


def test_unreachable_responder_has_no_actions(simulated: SimulatedStack) -> None:
    simulated.raises["actions"] = UnreachableError("http://x/actions does not answer.")
    result = simulated.run()
    assert (result.verdict, result.actions) == ("failed", ())
    assert result.reason == "http://x/actions does not answer."


@pytest.mark.parametrize("at", ["prepare", "inject", "runbook"])
def test_failure_is_rolled_back(simulated: SimulatedStack, at: str) -> None:
    simulated.raises[at] = DrillError("No way.")
    result = simulated.run()
    assert (result.verdict, result.reason) == ("failed", "No way.")
    assert simulated.log[-3:] == ROLLED_BACK


@pytest.mark.parametrize("at", ["inject", "rule", "runbook"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_any_exception_is_rolled_back(
    simulated: SimulatedStack, at: str, error: type[BaseException]
) -> None:
    simulated.raises[at] = error()
    with pytest.raises(error):
        simulated.run()
    assert simulated.log[-3:] == ROLLED_BACK


def test_two_pages_fail_the_drill(simulated: SimulatedStack) -> None:
    simulated.pages = ["Down", "Also"]
    result = simulated.run()
    assert result.verdict == "failed"
    assert result.reason.startswith("One fault paged 2 times (Also, Down)")
    assert simulated.log[-3:] == ROLLED_BACK


def test_failed_undo_stays_on_record(simulated: SimulatedStack) -> None:
    simulated.runtime.refuses = {"resume"}
    result = simulated.run()
    assert result.verdict == "failed"
    assert result.reason == "The fault could not be undone: resume web-1: No resume today."
    assert simulated.log[-1] == "resume"


def test_failed_undo_hides_no_interrupt(simulated: SimulatedStack) -> None:
    simulated.runtime.refuses = {"resume"}
    simulated.raises["inject"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        simulated.run()


def test_failed_stop_is_still_undone(simulated: SimulatedStack) -> None:
    simulated.raises["stop"] = OSError("no")
    with pytest.raises(OSError, match="no"):
        simulated.run()
    assert simulated.log[-3:] == ROLLED_BACK


# After the fault


def test_missing_steady_state_is_a_deviation(simulated: SimulatedStack) -> None:
    simulated.unsteady = (0.0, 1e6)
    result = simulated.run()
    assert (result.verdict, result.reason) == (
        "deviated",
        "The steady state did not return: lb-1 is failed.",
    )
    assert "resolved" in result.times


def test_dead_load_is_a_deviation(simulated: SimulatedStack) -> None:
    on_call = simulated.runtime.on_call

    def killed(order: str, *arguments: object) -> None:
        on_call(order, *arguments)
        simulated.traffic.error = DrillError("Locust has ended: no output.")

    simulated.runtime.on_call = killed
    assert simulated.run().verdict == "deviated"


# Other expectations


def test_late_notification_comes_after_the_fault(simulated: SimulatedStack) -> None:
    simulated.delays["notified"] = 9.0  # while the alert fires from 4 s on
    result = simulated.run(expect=Expectation(labels={"severity": "page"}, notified="late"))
    assert result.verdict == "passed"
    assert list(result.times) == ["pending", "firing", "notified", "resolved"]
    assert result.times["notified"] == pytest.approx(9, abs=0.2)
    assert simulated.log.index("resume") < len(simulated.log)
    assert result.removed
    assert result.injected
    assert result.removed - result.injected < 5


def test_late_notification_may_be_missing(simulated: SimulatedStack) -> None:
    simulated.delays["notified"] = None
    result = simulated.run(expect=Expectation(notified="late"))
    assert result.reason == "Down was not notified within 15.0 s."


def test_late_alert_can_page_twice(simulated: SimulatedStack) -> None:
    simulated.pages = ["Down", "Also"]
    assert simulated.run(expect=Expectation(notified="late")).verdict == "passed"


def test_another_alert_is_expected_instead(simulated: SimulatedStack) -> None:
    simulated.delays["pending"] = None
    simulated.notifies = "WatchdogMissing"
    simulated.pages = ["WatchdogMissing"]
    expect = Expectation(labels={"severity": "page"}, notified="WatchdogMissing")
    result = simulated.run(expect=expect)
    assert result.verdict == "passed"
    assert list(result.times) == ["notified", "resolved"]
    assert result.ideal == {}


def test_unreachable_prometheus_is_awaited(
    simulated: SimulatedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recover(seconds: float) -> None:
        simulated.clock.now += seconds
        if simulated.injected and simulated.clock.now >= simulated.injected + 5:
            simulated.raises.clear()

    simulated.raises["rule"] = UnreachableError("Prometheus does not answer.")
    monkeypatch.setattr(simulated.clock, "sleep", recover)
    assert simulated.run().verdict == "passed"


def test_missing_chart_does_not_fail_the_drill(simulated: SimulatedStack) -> None:
    simulated.raises["scrape_interval"] = UnreachableError("Prometheus does not answer.")
    result = simulated.run()
    assert (result.verdict, result.chart) == ("passed", None)


# Before the fault


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
