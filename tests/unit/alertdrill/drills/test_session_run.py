"""The drills of a session, one after the other."""

from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.drills import session as module
from alertdrill.drills.outcome import Outcome
from alertdrill.drills.session import Session, run
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime, a_drill
from tests.unit.alertdrill.drills.session_stage import HERE, OWN, Stage


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Make trials end as the list says, one after the other."""
    ends: list[Any] = []

    class FakeTrial:
        def __init__(self, drill: Any, stage: Any) -> None:
            self.drill = drill

        def run(self) -> Outcome:
            end = ends.pop(0)
            if isinstance(end, BaseException):
                raise end
            return Outcome(self.drill.alert, "", "", "page", end, "", 0.0)

    monkeypatch.setattr(module, "Trial", FakeTrial)
    return ends


@pytest.fixture
def found(stage: Stage) -> Iterator[Session]:
    with stage.session() as made:
        yield made


def test_every_drill_is_run(stage: Stage, found: Session, trials: list[Any]) -> None:
    trials += ["failed", "passed"]
    found.stage.scene.runtime.rehearsal = True  # type: ignore[misc]
    report = run(found, [a_drill(), a_drill(alert="Slow")])
    assert [(one.alert, one.verdict) for one in report.outcomes] == [
        ("Down", "failed"),
        ("Slow", "passed"),
    ]
    assert [row[0] for row in stage.progress.seen[-4:]] == ["begin", "done", "begin", "done"]
    assert not report.passed
    assert report.notes == []
    assert report.stack == "a stack of the run's own"


def test_interrupted_run_has_a_report(found: Session, trials: list[Any]) -> None:
    trials += ["passed", KeyboardInterrupt()]
    report = run(found, [a_drill()] * 4)
    assert len(report.outcomes) == 1
    assert report.notes == ["The run was interrupted: 3 drills are missing."]
    assert report.stack == "the stack that was up"


def test_nothing_run_is_nothing_passed(found: Session) -> None:
    assert not run(found, []).passed


@pytest.mark.parametrize(("here", "watched"), [(True, "its own"), (False, "the user's")])
def test_stack_that_people_look_at_is_told(
    stage: Stage, trials: list[Any], monkeypatch: pytest.MonkeyPatch, here: bool, watched: str
) -> None:
    told: list[tuple[str, str, float]] = []

    class FakeResults:
        def __init__(self, runtime: FakeRuntime, _: FakeProgress) -> None:
            self.runtime = runtime

        def tell(self, outcome: Outcome, speed: float) -> None:
            told.append((self.runtime.name, outcome.alert, speed))

    def choose(settings: Any, _: object) -> FakeRuntime:
        made = FakeRuntime(stage.settings.home, settings.speed)
        made.name = "its own" if here or settings.rehearsal else "the user's"
        return made

    monkeypatch.setattr(module, "Results", FakeResults)
    monkeypatch.setattr(module, "choose", choose)
    trials += ["passed"]
    with stage.session(HERE if here else OWN) as found:
        run(found, [a_drill()])
    assert told == [(watched, "Down", 1.0 if here else 12.0)]
