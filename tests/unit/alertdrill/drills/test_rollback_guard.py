import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from alertdrill.drills import marked, rollback_guard
from alertdrill.drills.rollback_guard import RollbackGuard
from alertdrill.drills.undo_log import UndoLog, UndoRecord
from alertdrill.settings import ROOT, StackSettings
from tests.unit.alertdrill.drills.processes import PATIENCE, of_run, poll_until

# A run: it has a guard, and waits to be killed.
RUN = """
import sys
from pathlib import Path
from alertdrill.drills.rollback_guard import RollbackGuard
guard = RollbackGuard(Path(sys.argv[1]))
print(guard._process.pid, flush=True)
sys.stdin.read()
"""
# Beside it, as the load is: no child of the run, ends only when it is told to.
LOAD = "import signal; print('up', flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def from_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where the command line is


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "drill.fill"
    made.write_text("x")
    return made


def entry(home: Path, file: Path, run: str = "no-such-run") -> UndoRecord:
    stack = StackSettings(home, runtime="native")
    return UndoRecord(run, 1.0, stack, "Down", [("remove_file", str(file))])


def killed_run(home: Path) -> psutil.Process:
    """Start a run with a guard, kill it, and return the guard that it leaves."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, home], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout
    assert run.stdin
    left = psutil.Process(int(run.stdout.readline()))
    run.send_signal(signal.SIGKILL)
    run.communicate()
    return left


def test_killed_run_is_undone(tmp_path: Path, file: Path) -> None:
    ledger = UndoLog(tmp_path)
    ledger.write(entry(tmp_path, file))
    killed_run(tmp_path)
    poll_until(lambda: (found := ledger.read()) and found.undone, "the guard's note")
    assert not file.exists()


def test_lock_given_back_late_is_awaited(tmp_path: Path, file: Path) -> None:
    ledger = UndoLog(tmp_path)
    # The kernel may close the guard's pipe before it gives back the lock of the run.
    ledger.write(replace(entry(tmp_path, file), process=os.getpid()))
    with ledger.lock():
        left = killed_run(tmp_path)
        poll_until(lambda: waits(left.pid), "the guard to wait for the lock")
        assert file.exists()
    poll_until(lambda: (found := ledger.read()) and found.undone, "the guard's note")


def waits(pid: int) -> bool:
    """Whether a process has the lock of the drills open."""
    return any(Path(one.path).name == "lock" for one in psutil.Process(pid).open_files())


def test_killed_run_takes_load_along(tmp_path: Path, file: Path) -> None:
    name = f"test-{uuid.uuid4()}"
    load = subprocess.Popen(
        [sys.executable, "-c", LOAD], env=marked.environment(name), stdout=subprocess.PIPE
    )
    assert load.stdout
    assert load.stdout.readline() == b"up\n"
    UndoLog(tmp_path).write(entry(tmp_path, file, name))
    killed_run(tmp_path)
    assert load.wait(PATIENCE) == -signal.SIGTERM
    load.communicate()
    assert not of_run(name)


def test_dismissed_guard_touches_nothing(tmp_path: Path, file: Path) -> None:
    UndoLog(tmp_path).write(entry(tmp_path, file))
    made = RollbackGuard(tmp_path)
    made.dismiss()
    assert made._process.returncode == 0
    assert file.exists()


def test_guard_outlives_signals(tmp_path: Path, file: Path) -> None:
    ledger = UndoLog(tmp_path)
    ledger.write(entry(tmp_path, file))
    made = RollbackGuard(tmp_path)
    one = psutil.Process(made._process.pid)
    assert os.getsid(one.pid) == one.pid  # Ctrl-C is for the terminal's own session
    poll_until(lambda: ignored(one.pid) >= {1, 2, 15}, "the guard to be ready")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        one.send_signal(number)
    made._process.communicate(b"")  # as if the run were gone
    assert not file.exists()


def ignored(pid: int) -> set[int]:
    """Return the signals that a process ignores."""
    status = Path(f"/proc/{pid}/status").read_text()
    bits = int(status.split("SigIgn:")[1].split()[0], 16)
    return {number for number in range(1, 32) if bits >> (number - 1) & 1}


class Ended:
    """A standard input that has ended."""

    class buffer:  # noqa: N801 - its name in sys.stdin
        @staticmethod
        def read() -> bytes:
            return b""


class FakeStack:
    """Remembers that it was taken down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def down(self, notify: object) -> None:
        self.asked.append("down")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    made = FakeStack()
    monkeypatch.setattr(rollback_guard, "select_runtime", lambda *_: made)
    monkeypatch.setattr("sys.stdin", Ended)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("alertdrill.drills.marked.end", lambda _: 0)
    return made


@pytest.mark.parametrize(("rehearsal", "asked"), [(True, ["down"]), (False, [])])
def test_only_own_stack_is_ended(
    tmp_path: Path, file: Path, stack: FakeStack, rehearsal: bool, asked: list[str]
) -> None:
    own = StackSettings(tmp_path, rehearsal=rehearsal)
    UndoLog(tmp_path).write(UndoRecord("run", 1.0, own, "Down", [("remove_file", str(file))]))
    rollback_guard.main(tmp_path)
    assert stack.asked == asked
    assert not file.exists()


def test_what_stays_broken_is_noted(
    tmp_path: Path, stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "not-a-file"
    folder.mkdir()
    UndoLog(tmp_path).write(entry(tmp_path, folder))
    rollback_guard.main(tmp_path)
    found = UndoLog(tmp_path).read()
    assert found
    assert not found.undone
    assert f"remove_file {folder}: " in capsys.readouterr().out


@pytest.mark.parametrize("undone", [True, None])
def test_nothing_broken_is_left_alone(
    tmp_path: Path, file: Path, stack: FakeStack, undone: bool | None
) -> None:
    if undone:
        stack_settings = StackSettings(tmp_path, rehearsal=True)
        undo = [("remove_file", str(file))]
        UndoLog(tmp_path).write(UndoRecord("run", 1.0, stack_settings, "Down", undo, undone=True))
    rollback_guard.main(tmp_path)
    assert file.exists()
    assert stack.asked == []
