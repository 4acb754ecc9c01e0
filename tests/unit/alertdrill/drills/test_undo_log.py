import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alertdrill.drills import undo_log as undo_log_module
from alertdrill.drills.errors import DrillError
from alertdrill.drills.undo_log import UndoLog, UndoRecord
from alertdrill.settings import Ports, StackSettings
from tests.unit.alertdrill.drills.fakes import FakeClock

UNDO = [
    ("start", "web"),
    ("restore_config", "prometheus", "rules.d/drill.yml"),
    ("restore_targets",),
]
# No process has it: the kernel gives no number above 2^22.
GONE = 2**22 + 1


@pytest.fixture
def undo_log(tmp_path: Path) -> UndoLog:
    return UndoLog(tmp_path / "home")


@pytest.fixture
def record(tmp_path: Path) -> UndoRecord:
    stack = StackSettings(tmp_path, tmp_path / "cache", ports=Ports(lb=18080), faults_enabled=False)
    return UndoRecord("the-run", 1.5, replace(stack, speed=12.0, rehearsal=True), "Down", UNDO)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(undo_log_module, "time", made)
    return made


def test_entry_comes_back_the_same(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    assert undo_log.read() == record
    undo_log.write(replace(record, undone=True, undo=[], stack=StackSettings(Path("/x"))))
    assert undo_log.read() == UndoRecord(
        "the-run", 1.5, StackSettings(Path("/x")), "Down", [], True
    )


def test_entry_is_replaced_at_once(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    undo_log.write(replace(record, alert="Slow"))
    assert [file.name for file in undo_log.file.parent.iterdir()] == ["current.json"]
    assert json.loads(undo_log.file.read_text())["alert"] == "Slow"


def test_cleared_ledger_has_nothing(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.clear()
    undo_log.write(record)
    undo_log.clear()
    assert undo_log.read() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"stack": {}, "undo": []}', '{"stack": 1, "undo": 1}']
)
def test_damaged_entry_is_no_entry(undo_log: UndoLog, text: str) -> None:
    undo_log.file.parent.mkdir(parents=True)
    undo_log.file.write_text(text)
    assert undo_log.read() is None


def test_entry_of_another_version_is_none(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    found = json.loads(undo_log.file.read_text())
    found["stack"]["unheard_of"] = 1
    undo_log.file.write_text(json.dumps(found))
    assert undo_log.read() is None


@contextmanager
def busy(undo_log: UndoLog) -> Iterator[None]:
    """Hold the lock as another process would: with a file handle of its own."""
    undo_log.file.parent.mkdir(parents=True, exist_ok=True)
    with (undo_log.file.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_second_run_is_refused(undo_log: UndoLog, clock: FakeClock) -> None:
    begun = clock.now
    with (
        busy(undo_log),
        pytest.raises(DrillError, match=r"^Another run of drills is in progress: wait"),
    ):
        undo_log.lock().__enter__()
    assert clock.now - begun < 1  # nobody is cleaning up, so there is nothing to wait for


def test_guard_is_waited_for(undo_log: UndoLog, record: UndoRecord, clock: FakeClock) -> None:
    undo_log.write(replace(record, process=GONE))
    begun = clock.now
    with busy(undo_log), pytest.raises(DrillError):
        undo_log.lock().__enter__()
    assert clock.now - begun == pytest.approx(undo_log_module.GUARD_TIMEOUT_S, abs=1)


def test_living_run_is_not_waited_for(
    undo_log: UndoLog, record: UndoRecord, clock: FakeClock
) -> None:
    undo_log.write(record)
    begun = clock.now
    with busy(undo_log), pytest.raises(DrillError, match=r"^Another run of drills is in progress"):
        undo_log.lock().__enter__()
    assert clock.now - begun == pytest.approx(undo_log_module.POLL_INTERVAL_S)


def test_dead_run_is_no_living_one(undo_log: UndoLog, record: UndoRecord, clock: FakeClock) -> None:
    run = subprocess.Popen([sys.executable, "-c", ""])
    # Ended, and nobody has asked how: what a killed run is under a careless parent.
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    undo_log.write(replace(record, process=run.pid))
    begun = clock.now
    with busy(undo_log), pytest.raises(DrillError):
        undo_log.lock().__enter__()
    assert clock.now - begun == pytest.approx(undo_log_module.GUARD_TIMEOUT_S, abs=1)
    run.wait()


def test_guard_waits_for_dying_run(undo_log: UndoLog, record: UndoRecord, clock: FakeClock) -> None:
    undo_log.write(record)
    begun = clock.now
    with busy(undo_log), pytest.raises(DrillError):
        undo_log.lock(10).__enter__()
    assert clock.now - begun == pytest.approx(10, abs=1)


def test_lock_is_given_back(undo_log: UndoLog) -> None:
    for _ in range(2):
        with undo_log.lock():
            pass
    with pytest.raises(KeyError), undo_log.lock():
        raise KeyError
    with undo_log.lock():
        pass
