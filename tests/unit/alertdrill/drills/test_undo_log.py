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

from alertdrill.config.settings import Ports, StackSettings
from alertdrill.drills import undo
from alertdrill.drills.undo import UndoLog, UndoRecord
from alertdrill.file_lock import LockedError
from tests.unit.alertdrill.drills.fakes import FakeClock

UNDO = [
    ("start", "web"),
    ("restore_config", "prometheus", "rules.d/drill.yml"),
    ("restore_targets",),
]
# No process has this pid: the kernel's maximum is 2^22.
GONE = 2**22 + 1


@pytest.fixture
def undo_log(tmp_path: Path) -> UndoLog:
    return UndoLog(tmp_path / "home")


@pytest.fixture
def record(tmp_path: Path) -> UndoRecord:
    stack = StackSettings(tmp_path, tmp_path / "cache", ports=Ports(lb=18080), faults_enabled=False)
    return UndoRecord("the-run", 1.5, replace(stack, speed=12.0, ephemeral=True), "Down", UNDO)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr("alertdrill.file_lock.time", clock)
    return clock


def test_record_is_read_as_written(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    assert undo_log.read() == record
    undo_log.write(replace(record, undone=True, undo=[], stack=StackSettings(Path("/x"))))
    assert undo_log.read() == UndoRecord(
        "the-run", 1.5, StackSettings(Path("/x")), "Down", [], True
    )


def test_record_is_replaced_atomically(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    undo_log.write(replace(record, alert="Slow"))
    assert [file.name for file in undo_log.file.parent.iterdir()] == ["current.json"]
    assert json.loads(undo_log.file.read_text())["alert"] == "Slow"


def test_cleared_log_has_no_record(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.clear()
    undo_log.write(record)
    undo_log.clear()
    assert undo_log.read() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"stack": {}, "undo": []}', '{"stack": 1, "undo": 1}']
)
def test_damaged_record_is_ignored(undo_log: UndoLog, text: str) -> None:
    undo_log.file.parent.mkdir(parents=True)
    undo_log.file.write_text(text)
    assert undo_log.read() is None


def test_record_of_another_version_is_ignored(undo_log: UndoLog, record: UndoRecord) -> None:
    undo_log.write(record)
    fields = json.loads(undo_log.file.read_text())
    fields["stack"]["unheard_of"] = 1
    undo_log.file.write_text(json.dumps(fields))
    assert undo_log.read() is None


@contextmanager
def busy(undo_log: UndoLog) -> Iterator[None]:
    """Hold the lock with a separate file handle, as another process does."""
    undo_log.file.parent.mkdir(parents=True, exist_ok=True)
    with (undo_log.file.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def zombie() -> Iterator[int]:
    """Return a zombie's pid: what a killed run is if its parent does not wait for it."""
    run = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    yield run.pid
    run.wait()


@pytest.mark.parametrize("run", ["none", "alive", "gone", "zombie"])
def test_only_the_guard_of_a_killed_run_is_awaited(
    undo_log: UndoLog, record: UndoRecord, clock: FakeClock, zombie: int, run: str
) -> None:
    pid = {"alive": os.getpid(), "gone": GONE, "zombie": zombie}.get(run)
    if pid:
        undo_log.write(replace(record, process=pid))
    start = clock.now
    with busy(undo_log), pytest.raises(LockedError, match=r"^Another run of drills is in progress"):
        undo_log.lock().__enter__()
    waited = undo.GUARD_TIMEOUT_S if run in ("gone", "zombie") else 0
    assert clock.now - start == pytest.approx(waited, abs=1)


def test_guard_waits_for_the_lock(undo_log: UndoLog, record: UndoRecord, clock: FakeClock) -> None:
    undo_log.write(record)
    start = clock.now
    with busy(undo_log), pytest.raises(LockedError):
        undo_log.lock(10).__enter__()
    assert clock.now - start == pytest.approx(10, abs=1)
