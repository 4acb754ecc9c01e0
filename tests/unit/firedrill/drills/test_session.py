import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firedrill.drills import session as module
from firedrill.drills.errors import DrillError
from firedrill.drills.ledger import Entry, Ledger
from firedrill.drills.outcome import Outcome
from firedrill.drills.session import Options, Session, run, session
from firedrill.errors import FiredrillError
from firedrill.runtimes.compose.alone import alone
from firedrill.runtimes.compose.errors import EngineError
from firedrill.settings import StackSettings
from tests.unit.firedrill.drills.fakes import FakeProgress, FakeRuntime, a_drill, instance

OWN, HERE = Options(12.0), Options(1.0, here=True)
UNDO = [("resume", "web-1")]


class Stage:
    """All that a session starts, faked; `log` has what was done in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.runtime = FakeRuntime(folder)
        self.runtime.told = lambda order, *_: self.log.append(order)
        self.progress = FakeProgress()
        self.settings = StackSettings(folder / "home", runtime="native")
        self.ledger = Ledger(self.settings.home)
        stage = self

        class FakeGuard:
            def __init__(self, home: Path) -> None:
                assert home == stage.settings.home
                assert stage.ledger.read()
                stage.log.append("guard")

            def dismiss(self) -> None:
                stage.log.append("dismiss")

        class FakeTraffic:
            def __init__(self, *_: object) -> None:
                pass

            def stop(self) -> None:
                stage.log.append("no load")

        monkeypatch.setattr(module, "Guard", FakeGuard)
        monkeypatch.setattr(module, "Traffic", FakeTraffic)
        monkeypatch.setattr(module, "choose", lambda *_: self.runtime)
        monkeypatch.setattr(module, "own_settings", self._own)
        monkeypatch.setattr("firedrill.drills.marked.end", lambda _: self.log.append("end"))

    def _own(self, settings: StackSettings, speed: float) -> StackSettings:
        return replace(settings, home=settings.home / "own", speed=speed, rehearsal=True)

    def session(self, options: Options = OWN) -> Any:
        return session(self.settings, options, self.progress)

    def interrupted(self) -> None:
        """Have a session end in the middle of a fault."""
        with self.session(HERE) as found:
            found.stage.broken("Down", UNDO)
            raise KeyboardInterrupt

    def cut_off(self, **changed: Any) -> None:
        """Leave the ledger of a run that was cut off."""
        entry = Entry("old-run", 1.0, self.settings, "Down", UNDO)
        self.ledger.write(replace(entry, **changed))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def test_own_stack_comes_and_goes(stage: Stage) -> None:
    with stage.session() as found:
        assert stage.log == ["guard", "down", "up"]
        assert found.settings.rehearsal
        assert found.folder.is_dir()
        assert found.folder.is_relative_to(stage.settings.home / "drills")
    assert stage.log[3:] == ["end", "no load", "down", "dismiss"]
    assert not stage.ledger.file.exists()


@pytest.mark.parametrize("asked", [True, False])
def test_own_stack_may_stand_in_for_loki(stage: Stage, asked: bool) -> None:
    with stage.session(replace(OWN, log_sink=asked)) as found:
        assert found.settings.log_sink is asked


def test_own_stack_starts_from_nothing(stage: Stage) -> None:
    old = stage.settings.home / "own" / "old.data"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    with stage.session():
        assert not old.exists()


def test_containers_have_one_own_stack_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ComposeRuntime", FakeRuntime)
    settings = replace(stage.settings, cache=stage.settings.home / "cache")
    stage.settings = replace(settings, home=settings.home / "other")
    stage.ledger = Ledger(stage.settings.home)
    with alone(settings), pytest.raises(EngineError), stage.session():
        pass
    assert stage.log == []
    with stage.session():
        assert "up" in stage.log


def test_running_stack_is_left_running(stage: Stage) -> None:
    with stage.session(HERE) as found:
        assert found.settings == stage.settings
    assert stage.log == ["guard", "end", "no load", "dismiss"]


@pytest.mark.parametrize(
    ("names", "asked"),
    [(["loki-1"], False), (["collector-1"], False), (["loki-1", "collector-1"], True)],
)
def test_log_store_needs_its_collector(stage: Stage, names: list[str], asked: bool) -> None:
    stage.runtime.found = [instance(name) for name in names]
    with stage.session() as found:
        assert (found.stage.loki is not None) is asked


def test_drill_without_its_parts_is_skipped(stage: Stage) -> None:
    with stage.session() as found:
        report = run(found, [a_drill(alert="LogsMissing")])
    (outcome,) = report.outcomes
    assert (outcome.verdict, outcome.alert, outcome.severity) == ("skipped", "LogsMissing", "page")
    assert outcome.reason.startswith("This stack has no collector and no loki")
    assert outcome.injected is None
    assert report.passed
    assert ("done", "skipped") in stage.progress.seen


def test_stack_here_must_run(stage: Stage) -> None:
    stage.runtime.found = []
    with pytest.raises(DrillError, match=r"^The stack is down: start it with `make up`, or"):
        stage.session(HERE).__enter__()
    assert stage.log == ["guard", "dismiss"]
    assert not stage.ledger.file.exists()


def test_failed_start_leaves_nothing(stage: Stage) -> None:
    stage.runtime.refuses = {"up"}
    with pytest.raises(FiredrillError, match="No up today"):
        stage.session().__enter__()
    assert stage.log == ["guard", "down", "up", "down", "dismiss"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DrillError, ZeroDivisionError])
def test_any_end_cleans_up(stage: Stage, error: type[BaseException]) -> None:
    with pytest.raises(error), stage.session():
        raise error
    assert stage.log[3:] == ["end", "no load", "down", "dismiss"]


def test_ledger_has_what_is_broken(stage: Stage) -> None:
    with stage.session() as found:
        found.stage.broken("Down", UNDO)
        entry = stage.ledger.read()
        assert entry
        assert (entry.alert, entry.undo, entry.stack) == ("Down", UNDO, found.settings)
        found.stage.broken("", ())
        entry = stage.ledger.read()
        assert entry
        assert entry.undo == []


def test_what_is_left_is_undone(stage: Stage) -> None:
    with pytest.raises(KeyboardInterrupt):
        stage.interrupted()
    assert stage.log == ["guard", "end", "no load", "resume", "dismiss"]


def test_failed_undo_stays_on_record(stage: Stage) -> None:
    stage.runtime.refuses = {"resume"}
    with pytest.raises(KeyboardInterrupt):
        stage.interrupted()
    assert stage.ledger.read()


def test_termination_is_an_interrupt(stage: Stage) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), stage.session():
        os.kill(os.getpid(), signal.SIGTERM)
    assert stage.log[3:] == ["end", "no load", "down", "dismiss"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_second_run_is_refused(stage: Stage) -> None:
    with stage.ledger.held(), pytest.raises(DrillError, match="Another run of drills is at work"):
        stage.session().__enter__()
    assert stage.log == []


# After a run that was cut off


def test_clean_start_has_no_notes(stage: Stage) -> None:
    with stage.session() as found:
        assert found.notes == []


def test_guards_work_is_told(stage: Stage) -> None:
    stage.cut_off(undone=True)
    with stage.session() as found:
        assert found.notes[0].endswith("was cut off during Down; its guard has undone its fault.")
    assert ("note", found.notes[0]) in stage.progress.seen
    assert "resume" not in stage.log


def test_work_without_guard_is_done(stage: Stage) -> None:
    stage.cut_off()
    with stage.session() as found:
        assert found.notes[0].endswith("was cut off during Down; its fault was undone now.")
    assert stage.log[:3] == ["end", "resume", "guard"]


def test_old_own_stack_is_ended(stage: Stage) -> None:
    stage.cut_off(stack=replace(stage.settings, rehearsal=True))
    stage.runtime.refuses = {"resume"}  # it is broken, but goes anyway
    with stage.session() as found:
        assert found.notes[0].endswith("; its fault was undone now.")
    assert stage.log[:3] == ["end", "resume", "down"]


def test_stuck_fault_refuses_the_run(stage: Stage) -> None:
    stage.cut_off()
    stage.runtime.refuses = {"resume"}
    with pytest.raises(DrillError, match=r"its fault can't be undone: resume web-1: No resume"):
        stage.session().__enter__()
    assert "guard" not in stage.log


def test_stuck_fault_stays_on_record(stage: Stage) -> None:
    stage.cut_off()
    stage.runtime.refuses = {"resume"}
    for _ in range(2):
        with pytest.raises(DrillError):
            stage.session().__enter__()


def test_unbroken_run_is_told_so(stage: Stage) -> None:
    stage.ledger.file.parent.mkdir(parents=True)
    stage.ledger.file.write_text("")
    with stage.session() as found:
        assert found.notes == ["An earlier run was cut off before it had broken anything."]


# The drills one after the other


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
