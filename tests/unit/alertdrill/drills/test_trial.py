from pathlib import Path
from typing import Any

import pytest

from alertdrill.drills import faults, ready, stage, trial
from alertdrill.drills.drill import Expectation, FaultSpec
from alertdrill.drills.errors import DrillError, FaultError, UnmetError, UnreachableError
from alertdrill.drills.journal import Acted
from tests.unit.alertdrill.drills.world import World

BROKEN = ("broken", "Down", [("resume", "web-1")])
MENDED: list[object] = ["cease", "resume", ("broken", "", [])]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_drill_passes_with_its_times(world: World) -> None:
    outcome = world.run()
    assert (outcome.verdict, outcome.reason) == ("passed", "")
    assert outcome.times == pytest.approx(
        {"pending": 2, "firing": 4, "notified": 6, "resolved": 5}, abs=0.2
    )
    assert outcome.limits == {"notified": 15, "resolved": 15}
    assert (outcome.severity, outcome.queries) == ("page", 3)
    assert outcome.began <= outcome.injected < outcome.removed < outcome.ended  # type: ignore[operator]


def test_undo_is_noted_before_injection(world: World) -> None:
    world.run()
    assert [row for row in world.log if row != "runbook"] == [
        BROKEN,
        ("inject", 15 + 15 + trial.MARGIN),
        *MENDED,
    ]


def test_runbook_is_tried_during_fault(world: World) -> None:
    world.run()
    assert world.log.index("runbook") < world.log.index("cease")


def test_phases_are_shown_in_order(world: World) -> None:
    world.run()
    reached = [row[1] for row in world.progress.seen if row[0] == "reached"]
    assert reached == ["pending", "firing", "notified", "resolved"]


def test_speed_shortens_the_budgets(world: World) -> None:
    world.runtime.speed = 10.0
    outcome = world.run(world=2.0)
    assert outcome.limits == {"notified": 1 + 2 + 5, "resolved": 1 + 2 + 5}


def test_least_times_are_worked_out(world: World) -> None:
    outcome = world.run(window=6.0, world=1.0)
    assert outcome.least == 5 + 6 + 1 + 60 + 5
    assert outcome.least_notified == outcome.least + 10
    assert outcome.ratio == pytest.approx(4 / 77, abs=0.01)


def test_chart_begins_before_the_fault(world: World) -> None:
    outcome = world.run()
    assert outcome.chart
    assert outcome.injected
    assert outcome.chart.values[0].points[0][0] == outcome.injected - stage.BEFORE * 5.0


@pytest.mark.parametrize("phase", ["pending", "firing", "notified", "resolved"])
def test_missing_phase_fails_the_drill(world: World, phase: str) -> None:
    world.took[phase] = None
    outcome = world.run()
    assert outcome.verdict == "failed"
    assert outcome.reason == f"Down was not {phase} within 15.0 s."
    assert phase not in outcome.times
    assert world.log[-3:] == MENDED


@pytest.mark.parametrize("phase", ["pending", "firing", "notified", "resolved"])
def test_late_phase_fails_the_drill(world: World, phase: str) -> None:
    world.took[phase] = 16.0
    outcome = world.run()
    assert (outcome.verdict, outcome.reason) == (
        "failed",
        f"Down was not {phase} within 15.0 s.",
    )


def test_runbook_is_asked_as_of_notification(world: World) -> None:
    outcome = world.run()
    assert outcome.injected
    assert world.checked_at == outcome.injected + 6


def test_without_notification_it_is_asked_now(world: World) -> None:
    world.took["notified"] = 9.0
    outcome = world.run(expect=Expectation({"severity": "page"}, notified="late"))
    assert outcome.injected
    assert outcome.removed
    assert outcome.injected + 4 <= world.checked_at <= outcome.removed


def test_absent_journal_has_no_actions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any, since: float) -> list[Acted]:
        raise UnreachableError("http://x/actions does not answer.")

    monkeypatch.setattr("tests.unit.alertdrill.drills.world.Journal.actions", away)
    outcome = world.run()
    assert (outcome.verdict, outcome.actions) == ("failed", ())
    assert outcome.reason == "http://x/actions does not answer."


@pytest.mark.parametrize(
    "error", [UnmetError("No data."), FaultError("No way."), DrillError("Not now.")]
)
@pytest.mark.parametrize("at", ["inject", "runbook"])
def test_failure_is_rolled_back(world: World, at: str, error: Exception) -> None:
    world.raises[at] = error
    outcome = world.run()
    assert (outcome.verdict, outcome.reason) == ("failed", str(error))
    assert world.log[-3:] == MENDED
    assert outcome.removed


@pytest.mark.parametrize("at", ["inject", "rule", "runbook"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_any_end_is_rolled_back(
    world: World, at: str, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raises[at] = error()
    # The rule is asked for before the fault, too.
    monkeypatch.setattr(ready, "_pace", lambda *_: None)
    with pytest.raises(error):
        world.run()
    assert world.log[-3:] == MENDED


def test_two_pages_fail_the_drill(world: World) -> None:
    world.pages = ["Down", "Also"]
    outcome = world.run()
    assert outcome.verdict == "failed"
    assert outcome.reason.startswith("One fault paged 2 times (Also, Down)")
    assert world.log[-3:] == MENDED


def test_failed_undo_stays_on_record(world: World) -> None:
    world.runtime.refuses = {"resume"}
    outcome = world.run()
    assert outcome.verdict == "failed"
    assert outcome.reason == "The fault could not be undone: resume web-1: No resume today."
    assert world.log[-1] == "resume"


def test_failed_undo_hides_no_interrupt(world: World) -> None:
    world.runtime.refuses = {"resume"}
    world.raises["inject"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        world.run()


def test_failed_cease_is_undone_still(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    make = faults.make

    def refuse() -> None:
        raise OSError("no")

    def made(*arguments: Any) -> Any:
        fault = make(*arguments)
        monkeypatch.setattr(fault, "cease", refuse)
        return fault

    monkeypatch.setattr(faults, "make", made)
    with pytest.raises(OSError, match="no"):
        world.run()
    assert "resume" in world.log


# Afterwards


def test_unsteady_end_is_a_deviation(world: World) -> None:
    world.unsteady = (0.0, 1e6)
    outcome = world.run()
    assert (outcome.verdict, outcome.reason) == (
        "deviated",
        "The steady state did not come back: lb-1 is failed.",
    )
    assert "resolved" in outcome.times


def test_load_that_died_is_deviation(world: World) -> None:
    told = world.runtime.told

    def killed(order: str, *arguments: object) -> None:
        told(order, *arguments)
        world.traffic.dead = DrillError("Locust did not run: no reason.")

    world.runtime.told = killed
    assert world.run().verdict == "deviated"


# Other expectations


def test_late_notification_comes_after_fault(world: World) -> None:
    world.took["notified"] = 9.0  # while the alert fires from 4 s on
    outcome = world.run(expect=Expectation({"severity": "page"}, notified="late"))
    assert outcome.verdict == "passed"
    assert list(outcome.times) == ["pending", "firing", "notified", "resolved"]
    assert outcome.times["notified"] == pytest.approx(9, abs=0.2)
    assert world.log.index("resume") < len(world.log)
    assert outcome.removed
    assert outcome.injected
    assert outcome.removed - outcome.injected < 5


def test_late_notification_may_be_missing(world: World) -> None:
    world.took["notified"] = None
    outcome = world.run(expect=Expectation(notified="late"))
    assert outcome.reason == "Down was not notified within 15.0 s."


def test_late_alert_can_page_twice(world: World) -> None:
    world.pages = ["Down", "Also"]
    assert world.run(expect=Expectation(notified="late")).verdict == "passed"


def test_other_alert_arrives_instead(world: World) -> None:
    world.took["pending"] = None
    world.notifies = "WatchdogMissing"
    world.pages = ["WatchdogMissing"]
    expect = Expectation({"severity": "page"}, notified="WatchdogMissing")
    outcome = world.run(expect=expect)
    assert outcome.verdict == "passed"
    assert list(outcome.times) == ["notified", "resolved"]
    assert (outcome.least, outcome.least_notified) == (None, None)


def test_absent_prometheus_is_waited_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = world.rule

    def away(alert: str) -> Any:
        if world.on and world.clock.now < world.on + 5:
            raise UnreachableError("Prometheus does not answer.")
        return rule(alert)

    monkeypatch.setattr(world, "rule", away)
    assert world.run().verdict == "passed"


def test_stopped_prometheus_has_no_runbook(world: World) -> None:
    outcome = world.run(fault=FaultSpec("stop", "prometheus"))
    assert (outcome.queries, outcome.queries_left_out) == (0, "Prometheus is what the drill stops")
    assert "runbook" not in world.log


def test_chart_may_not_be_had(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> float:
        raise UnreachableError("Prometheus does not answer.")

    monkeypatch.setattr(ready, "_pace", lambda *_: None)
    monkeypatch.setattr(world, "scrape_interval", away)
    outcome = world.run()
    assert (outcome.verdict, outcome.chart) == ("passed", None)
