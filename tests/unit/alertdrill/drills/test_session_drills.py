"""The drills of a session."""

from collections.abc import Iterator
from typing import Any

import pytest

from alertdrill.drills import session as module
from alertdrill.drills.context import DrillContext
from alertdrill.drills.result import DrillResult
from alertdrill.drills.session import run_drills
from tests.unit.alertdrill.drills.fake_session import CURRENT, EPHEMERAL, FakeSession
from tests.unit.alertdrill.drills.fakes import make_drill
from tests.unit.alertdrill.fake_runtime import FakeRuntime


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace drill runs by verdicts or exceptions, in order."""
    ends: list[Any] = []

    class FakeDrillRun:
        def __init__(self, drill: Any, context: Any) -> None:
            self.drill = drill

        def execute(self) -> DrillResult:
            end = ends.pop(0)
            if isinstance(end, BaseException):
                raise end
            return DrillResult(self.drill.alert, "", "", "page", end, "", 0.0)

    monkeypatch.setattr(module, "DrillRun", FakeDrillRun)
    return ends


@pytest.fixture
def context(session: FakeSession) -> Iterator[DrillContext]:
    with session.open() as context:
        yield context


def test_every_drill_runs(session: FakeSession, context: DrillContext, verdicts: list[Any]) -> None:
    verdicts += ["failed", "passed"]
    context.runtime.ephemeral = True
    report = run_drills(context, [make_drill(), make_drill(alert="Slow")])
    assert [(result.alert, result.verdict) for result in report.results] == [
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


def test_interrupted_run_has_a_report(context: DrillContext, verdicts: list[Any]) -> None:
    verdicts += ["passed", KeyboardInterrupt()]
    report = run_drills(context, [make_drill()] * 4)
    assert len(report.results) == 1
    assert report.notes == ["The run was interrupted: 3 drills did not run to their end."]
    assert report.stack == "the stack that was up"


def test_run_without_drills_does_not_pass(context: DrillContext) -> None:
    assert not run_drills(context, []).passed


@pytest.mark.parametrize(("current_stack", "receiver"), [(True, "ephemeral"), (False, "user")])
def test_users_stack_receives_the_results(
    session: FakeSession,
    verdicts: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    current_stack: bool,
    receiver: str,
) -> None:
    published: list[tuple[str, str, float]] = []

    class FakePublisher:
        def __init__(self, context: DrillContext) -> None:
            self.context = context

        def publish(self, result: DrillResult) -> None:
            receiver, speed = self.context.user_runtime.name, self.context.runtime.speed
            published.append((receiver, result.alert, speed))

    def choose(settings: Any, *_: object) -> FakeRuntime:
        runtime = FakeRuntime(session.settings.home, settings.speed)
        runtime.name = "ephemeral" if current_stack or settings.ephemeral else "user"
        return runtime

    monkeypatch.setattr(module, "ResultPublisher", FakePublisher)
    monkeypatch.setattr(session, "select", choose)
    monkeypatch.setattr(module, "select_stack_runtime", choose)
    verdicts += ["passed"]
    with session.open(CURRENT if current_stack else EPHEMERAL) as context:
        run_drills(context, [make_drill()])
    assert published == [(receiver, "Down", 1.0 if current_stack else 12.0)]
