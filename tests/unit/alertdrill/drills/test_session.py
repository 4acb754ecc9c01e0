import os
import signal
from dataclasses import replace

import pytest

from alertdrill.drills import session as module
from alertdrill.drills.errors import DrillError
from alertdrill.drills.ledger import Ledger
from alertdrill.drills.session import run
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose.alone import alone
from alertdrill.runtimes.compose.errors import EngineError
from tests.unit.alertdrill.drills.fakes import FakeRuntime, a_drill, instance
from tests.unit.alertdrill.drills.session_stage import HERE, OWN, UNDO, Stage


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
    with pytest.raises(AlertdrillError, match="No up today"):
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
