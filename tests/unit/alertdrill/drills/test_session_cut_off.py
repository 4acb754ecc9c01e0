"""After a run that was cut off."""

from dataclasses import replace

import pytest

from alertdrill.drills.errors import DrillError
from tests.unit.alertdrill.drills.session_stage import Stage


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
