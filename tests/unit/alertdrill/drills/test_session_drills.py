"""The drills of a session, one after the other."""

from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.drills import session as module
from alertdrill.drills.context import DrillContext
from alertdrill.drills.outcome import Outcome
from alertdrill.drills.session import run_drills
from tests.unit.alertdrill.drills.fake_session import CURRENT, EPHEMERAL, FakeSession
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime, a_drill


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Make trials end as the list says, one after the other."""
    ends: list[Any] = []

    class FakeTrial:
        def __init__(self, drill: Any, context: Any) -> None:
            self.drill = drill

        def execute(self) -> Outcome:
            end = ends.pop(0)
            if isinstance(end, BaseException):
                raise end
            return Outcome(self.drill.alert, "", "", "page", end, "", 0.0)

    monkeypatch.setattr(module, "DrillRun", FakeTrial)
    return ends


@pytest.fixture
def context(session: FakeSession) -> Iterator[DrillContext]:
    with session.open() as made:
        yield made


def test_every_drill_is_run(session: FakeSession, context: DrillContext, trials: list[Any]) -> None:
    trials += ["failed", "passed"]
    context.runtime.rehearsal = True  # type: ignore[misc]
    report = run_drills(context, [a_drill(), a_drill(alert="Slow")])
    assert [(one.alert, one.verdict) for one in report.outcomes] == [
        ("Down", "failed"),
        ("Slow", "passed"),
    ]
    assert [row[0] for row in session.progress.events[-4:]] == [
        "started",
        "finished",
        "started",
        "finished",
    ]
    assert not report.passed
    assert report.notes == []
    assert report.stack == "an ephemeral stack"


def test_interrupted_run_has_a_report(context: DrillContext, trials: list[Any]) -> None:
    trials += ["passed", KeyboardInterrupt()]
    report = run_drills(context, [a_drill()] * 4)
    assert len(report.outcomes) == 1
    assert report.notes == ["The run was interrupted: 3 drills did not run to their end."]
    assert report.stack == "the stack that was up"


def test_nothing_run_is_nothing_passed(context: DrillContext) -> None:
    assert not run_drills(context, []).passed


@pytest.mark.parametrize(("here", "watched"), [(True, "its own"), (False, "the user's")])
def test_stack_that_people_look_at_is_told(
    session: FakeSession,
    trials: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    here: bool,
    watched: str,
) -> None:
    told: list[tuple[str, str, float]] = []

    class FakeResults:
        def __init__(self, runtime: FakeRuntime, _: FakeProgress) -> None:
            self.runtime = runtime

        def publish(self, outcome: Outcome, speed: float) -> None:
            told.append((self.runtime.name, outcome.alert, speed))

    def choose(settings: Any, _: object) -> FakeRuntime:
        made = FakeRuntime(session.settings.home, settings.speed)
        made.name = "its own" if here or settings.rehearsal else "the user's"
        return made

    monkeypatch.setattr(module, "ResultPublisher", FakeResults)
    monkeypatch.setattr(module, "select_runtime", choose)
    trials += ["passed"]
    with session.open(CURRENT if here else EPHEMERAL) as context:
        run_drills(context, [a_drill()])
    assert told == [(watched, "Down", 1.0 if here else 12.0)]
