"""`alertdrill down` ends what a killed run has left, although its rollback guard was killed too."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from alertdrill.config.settings import StackSettings
from alertdrill.drills import undo
from alertdrill.drills.undo import UndoLog, UndoRecord, end_abandoned_runs, new_run_id
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.compose.runtime import ComposeRuntime
from alertdrill.timescale.ephemeral_stack_settings import ephemeral_identity
from tests.unit.alertdrill.drills.test_undo_guard import LOAD, WAITS, tagged


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    """Return the settings of a home in which runs were made."""
    (tmp_path / "drills").mkdir()
    return StackSettings(tmp_path, runtime="native")


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[StackSettings]:
    """Return the stacks that are stopped."""
    stacks: list[StackSettings] = []

    def select(stack: StackSettings, _: object) -> object:
        return SimpleNamespace(down=lambda _: stacks.append(stack))

    monkeypatch.setattr(undo, "select_stack_runtime", select)
    return stacks


@pytest.fixture
def notes() -> list[str]:
    """Return what users are told."""
    return []


def test_load_of_a_killed_run_is_ended_without_a_record(
    settings: StackSettings, notes: list[str]
) -> None:
    load = tagged(LOAD, new_run_id(settings.home, 1.0))
    other = tagged(WAITS, new_run_id(settings.home / "other", 1.0))
    try:
        end_abandoned_runs(settings, notes.append)
        assert not psutil.pid_exists(load.pid)
        assert other.poll() is None
    finally:
        load.communicate()
        other.communicate(b"\n")
    assert len(notes) == 1
    assert notes[0].startswith("a killed run of drills left python")


def test_fault_of_a_killed_run_is_undone(settings: StackSettings, notes: list[str]) -> None:
    file = settings.home / "drill.fill"
    file.touch()
    record = UndoRecord("run", 1.0, settings, "Down", [("remove_file", str(file))])
    UndoLog(settings.home).write(record)
    end_abandoned_runs(settings, notes.append)
    assert not file.exists()
    assert not UndoLog(settings.home).file.exists()
    assert notes[0].endswith("was killed during Down; its fault is undone now.")


def test_recorded_ephemeral_stack_is_stopped_and_reported(
    settings: StackSettings, stopped: list[StackSettings], notes: list[str]
) -> None:
    own = replace(ephemeral_identity(settings), runtime="native")
    UndoLog(settings.home).write(UndoRecord("run", 1.0, own))
    end_abandoned_runs(settings, notes.append)
    assert stopped == [own]
    assert notes[0].endswith("was killed; its ephemeral stack is stopped now.")


def test_fault_that_stays_does_not_keep_the_stack_up(
    settings: StackSettings, notes: list[str]
) -> None:
    folder = settings.home / "folder"
    folder.mkdir()
    record = UndoRecord("run", 1.0, settings, "Down", [("remove_file", str(folder))])
    UndoLog(settings.home).write(record)
    end_abandoned_runs(settings, notes.append)
    assert "its fault cannot be undone: remove_file" in notes[0]


def test_ephemeral_stack_without_an_owner_is_stopped(
    settings: StackSettings, stopped: list[StackSettings], notes: list[str]
) -> None:
    (settings.home / "ephemeral").mkdir()
    end_abandoned_runs(settings, notes.append)
    [stack] = stopped
    assert (stack.home, stack.project) == (settings.home / "ephemeral", "alertdrill-ephemeral")


def test_run_in_progress_goes_on(
    settings: StackSettings, stopped: list[StackSettings], notes: list[str]
) -> None:
    (settings.home / "ephemeral").mkdir()
    load = tagged(WAITS, new_run_id(settings.home, 1.0))
    try:
        with UndoLog(settings.home).lock():
            end_abandoned_runs(settings, notes.append)
        assert load.poll() is None
    finally:
        load.communicate(b"\n")
    assert stopped == []
    assert notes == [
        "a run of drills is in progress: its load and its ephemeral stack keep running"
    ]


def test_home_without_runs_stays_empty(tmp_path: Path, notes: list[str]) -> None:
    end_abandoned_runs(StackSettings(tmp_path, runtime="native"), notes.append)
    assert list(tmp_path.iterdir()) == []
    assert notes == []


def test_ephemeral_containers_are_left_to_compose(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, runtime="compose")
    ephemeral_identity(settings).home.mkdir(parents=True)
    downs: list[object] = []
    monkeypatch.setattr(ComposeRuntime, "down", lambda *_: downs.append(_))
    # A run in containers holds its project's lock on this host, and no other.
    end_abandoned_runs(settings, lambda _: None)
    assert downs == []


def test_error_while_a_fault_is_undone_does_not_keep_the_stack_up(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, notes: list[str]
) -> None:
    def recover(_: object) -> None:
        raise AlertdrillError("The engine does not answer.")

    monkeypatch.setattr(undo, "recover", recover)
    end_abandoned_runs(settings, notes.append)
    assert notes == ["The engine does not answer."]
