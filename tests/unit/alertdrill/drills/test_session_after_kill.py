"""Sessions after a run that was killed."""

from dataclasses import replace

import pytest

from alertdrill.drills.model import DrillError
from tests.unit.alertdrill.drills.fake_session import FakeSession


def test_clean_start_has_no_notes(session: FakeSession) -> None:
    with session.open() as context:
        assert context.notes == []


def test_work_of_the_guard_is_reported(session: FakeSession) -> None:
    session.leave_record(undone=True)
    with session.open() as context:
        assert context.notes[0].endswith(
            "was killed during Down; its rollback guard has undone its fault."
        )
    assert ("note", context.notes[0]) in session.progress.events
    assert "resume" not in session.log


def test_fault_without_guard_is_undone(session: FakeSession) -> None:
    session.leave_record()
    with session.open() as context:
        assert context.notes[0].endswith("was killed during Down; its fault is undone now.")
    assert session.log[:3] == ["end processes", "resume", "guard"]


def test_old_ephemeral_stack_is_stopped(session: FakeSession) -> None:
    session.leave_record(stack=replace(session.settings, ephemeral=True))
    session.runtime.refuses = {"resume"}  # the stack is stopped anyway
    with session.open() as context:
        assert context.notes[0].endswith("; its fault is undone now.")
    assert session.log[:3] == ["end processes", "resume", "down"]


def test_fault_that_stays_refuses_every_run(session: FakeSession) -> None:
    session.leave_record()
    session.runtime.refuses = {"resume"}
    for _ in range(2):
        with pytest.raises(DrillError, match=r"its fault cannot be undone: resume web-1: No res"):
            session.open().__enter__()
    assert "guard" not in session.log


def test_run_killed_before_its_fault_is_reported(session: FakeSession) -> None:
    session.undo_log.file.parent.mkdir(parents=True)
    session.undo_log.file.write_text("")
    with session.open() as context:
        assert context.notes == ["An earlier run was killed before its first fault."]
