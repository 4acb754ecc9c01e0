import os
import signal
from dataclasses import replace

import pytest

from alertdrill.drills.model import DrillError
from alertdrill.drills.session import run_drills
from alertdrill.drills.undo import UndoLog
from alertdrill.errors import AlertdrillError
from alertdrill.file_lock import LockedError
from alertdrill.runtimes.base import project_lock
from tests.unit.alertdrill.drills.fake_session import CURRENT, EPHEMERAL, UNDO, FakeSession
from tests.unit.alertdrill.drills.fakes import make_drill
from tests.unit.alertdrill.fake_runtime import instance


def test_ephemeral_stack_is_started_and_stopped(session: FakeSession) -> None:
    with session.open() as context:
        assert session.log == ["guard", "down", "up"]
        assert context.settings.ephemeral
        assert context.folder.is_dir()
        assert context.folder.is_relative_to(session.settings.home / "drills")
    assert session.log[3:] == ["end processes", "stop load", "down", "dismiss"]
    assert not session.undo_log.file.exists()


@pytest.mark.parametrize("fake_loki", [True, False])
def test_ephemeral_stack_may_replace_loki(session: FakeSession, fake_loki: bool) -> None:
    with session.open(replace(EPHEMERAL, fake_loki=fake_loki)) as context:
        assert context.settings.fake_loki is fake_loki


def test_ephemeral_stack_starts_empty(session: FakeSession) -> None:
    old = session.settings.home / "own" / "old.data"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    with session.open():
        assert not old.exists()


def test_containers_have_one_ephemeral_stack_at_a_time(session: FakeSession) -> None:
    settings = replace(session.settings, runtime="compose", cache=session.settings.home / "cache")
    session.settings = replace(settings, home=settings.home / "other")
    session.undo_log = UndoLog(session.settings.home)
    with project_lock(settings), pytest.raises(LockedError), session.open():
        pass
    assert session.log == []
    with session.open():
        assert "up" in session.log


def test_current_stack_keeps_running(session: FakeSession) -> None:
    with session.open(CURRENT) as context:
        assert context.settings == session.settings
    assert session.log == ["guard", "end processes", "stop load", "dismiss"]


@pytest.mark.parametrize(
    ("names", "missing"),
    [([], "no collector and no loki"), (["loki-1"], "no collector"), (["collector-1"], "no loki")],
)
def test_drill_without_its_components_is_skipped(
    session: FakeSession, names: list[str], missing: str
) -> None:
    session.runtime.running = [instance(name) for name in names]
    with session.open() as context:
        report = run_drills(context, [make_drill(alert="LogsMissing")])
    (result,) = report.results
    assert (result.verdict, result.alert, result.severity) == ("skipped", "LogsMissing", "page")
    assert result.reason == f"This stack has {missing}, which LogsMissing requires."
    assert result.injected is None
    assert report.passed
    assert ("finished", "skipped") in session.progress.events


def test_current_stack_must_run(session: FakeSession) -> None:
    session.runtime.running = []
    with pytest.raises(DrillError, match=r"^The stack is down: start it with `make up`, or"):
        session.open(CURRENT).__enter__()
    assert session.log == ["guard", "dismiss"]
    assert not session.undo_log.file.exists()


def test_failed_start_is_cleaned_up(session: FakeSession) -> None:
    session.runtime.refuses = {"up"}
    with pytest.raises(AlertdrillError, match="No up today"):
        session.open().__enter__()
    assert session.log == ["guard", "down", "up", "down", "dismiss"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DrillError, ZeroDivisionError])
def test_any_exception_is_cleaned_up(session: FakeSession, error: type[BaseException]) -> None:
    with pytest.raises(error), session.open():
        raise error
    assert session.log[3:] == ["end processes", "stop load", "down", "dismiss"]


def test_undo_log_has_the_current_fault(session: FakeSession) -> None:
    with session.open() as context:
        context.record_undo("Down", UNDO)
        entry = session.undo_log.read()
        assert entry
        assert (entry.alert, entry.undo, entry.stack) == ("Down", UNDO, context.settings)
        context.record_undo("", ())
        entry = session.undo_log.read()
        assert entry
        assert entry.undo == []


def test_active_fault_is_undone_on_exit(session: FakeSession) -> None:
    with pytest.raises(KeyboardInterrupt):
        session.interrupt()
    assert session.log == ["guard", "end processes", "stop load", "resume", "dismiss"]


def test_failed_undo_stays_on_record(session: FakeSession) -> None:
    session.runtime.refuses = {"resume"}
    with pytest.raises(KeyboardInterrupt):
        session.interrupt()
    assert session.undo_log.read()


def test_sigterm_is_an_interrupt(session: FakeSession) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), session.open():
        os.kill(os.getpid(), signal.SIGTERM)
    assert session.log[3:] == ["end processes", "stop load", "down", "dismiss"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_second_run_is_refused(session: FakeSession) -> None:
    with (
        session.undo_log.lock(),
        pytest.raises(LockedError, match="Another run of drills is in progress"),
    ):
        session.open().__enter__()
    assert session.log == []
