import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from alertdrill.config import ROOT
from alertdrill.config.settings import IN_NETWORK, StackSettings
from alertdrill.drills import undo
from alertdrill.drills.undo import DONE, UndoLog, UndoRecord, start_guard
from tests.unit.alertdrill.drills.fakes import TIMEOUT_S, of_run, poll_until
from tests.unit.alertdrill.fake_runtime import FakeRuntime

# A run with a guard; it waits until it is killed.
RUN = """
import sys
from pathlib import Path
from alertdrill.drills.undo import start_guard
print(start_guard(Path(sys.argv[1])).pid, flush=True)
sys.stdin.read()
"""
# It ends only on a signal.
LOAD = "import signal; print('up', flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def from_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "drill.fill"
    file.write_text("x")
    return file


def make_record(home: Path, file: Path, run: str = "no-such-run") -> UndoRecord:
    stack = StackSettings(home, runtime="native")
    return UndoRecord(run, 1.0, stack, "Down", [("remove_file", str(file))])


def killed_run(home: Path) -> psutil.Process:
    """Start a run with a guard, kill it, and return the guard's process."""
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, home], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout
    assert run.stdin
    guard_process = psutil.Process(int(run.stdout.readline()))
    run.send_signal(signal.SIGKILL)
    run.communicate()
    return guard_process


def test_lock_released_late_is_awaited(tmp_path: Path, file: Path) -> None:
    undo_log = UndoLog(tmp_path)
    # The kernel may close the guard's pipe before it releases the lock of the run.
    undo_log.write(replace(make_record(tmp_path, file), process=os.getpid()))
    with undo_log.lock():
        guard_process = killed_run(tmp_path)
        poll_until(lambda: waits_for_lock(guard_process.pid), "the guard to wait for the lock")
        assert file.exists()
    poll_until(lambda: (record := undo_log.read()) and record.undone, "the guard's record")
    assert not file.exists()


def waits_for_lock(pid: int) -> bool:
    """Return whether a process has the lock file open."""
    return any(Path(file.path).name == "lock" for file in psutil.Process(pid).open_files())


def test_load_of_killed_run_is_stopped(tmp_path: Path, file: Path) -> None:
    name = f"test-{uuid.uuid4()}"
    load = tagged(LOAD, name)
    UndoLog(tmp_path).write(make_record(tmp_path, file, name))
    killed_run(tmp_path)
    assert load.wait(TIMEOUT_S) == -signal.SIGTERM
    load.communicate()
    assert not of_run(name)


# It prints a line when it is ready, and exits when its input closes.
WAITS = "print('up', flush=True); input()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def tagged(code: str, run: str) -> subprocess.Popen[bytes]:
    """Start a process beside a run, such as its load."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=undo.tagged_environment(run),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize("code", [WAITS, STUBBORN])
def test_only_processes_of_the_run_are_terminated(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(undo, "TERMINATE_TIMEOUT_S", 0.3)
    run = f"test-{uuid.uuid4()}"
    ours, other = tagged(code, run), tagged(WAITS, f"{run}-other")
    try:
        undo.terminate_processes(run)
        assert of_run(run) == []
        poll_until(lambda: ours.poll() is not None, "the end of ours")
        assert other.poll() is None
    finally:
        ours.communicate()
        other.communicate(b"\n")


def test_dismissed_guard_undoes_nothing(tmp_path: Path, file: Path) -> None:
    UndoLog(tmp_path).write(make_record(tmp_path, file))
    guard = start_guard(tmp_path)
    guard.communicate(DONE)
    assert guard.returncode == 0
    assert file.exists()


def test_guard_ignores_signals(tmp_path: Path, file: Path) -> None:
    undo_log = UndoLog(tmp_path)
    undo_log.write(make_record(tmp_path, file))
    guard = start_guard(tmp_path)
    process = psutil.Process(guard.pid)
    assert os.getsid(process.pid) == process.pid  # Ctrl-C signals the terminal's session
    poll_until(lambda: ignored(process.pid) >= {1, 2, 15}, "the guard to be ready")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    guard.communicate(b"")  # as when the run ends
    assert not file.exists()


def ignored(pid: int) -> set[int]:
    """Return the signals that a process ignores."""
    status = Path(f"/proc/{pid}/status").read_text()
    bits = int(status.split("SigIgn:")[1].split()[0], 16)
    return {number for number in range(1, 32) if bits >> (number - 1) & 1}


class ClosedInput:
    """A standard input that has ended."""

    class buffer:  # noqa: N801 - its name in sys.stdin
        @staticmethod
        def read() -> bytes:
            return b""


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    stack = FakeRuntime()
    for name in ("select_fault_target", "select_stack_runtime"):
        monkeypatch.setattr(undo, name, lambda *_: stack)
    monkeypatch.setattr("sys.stdin", ClosedInput)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(undo, "terminate_processes", lambda _: None)
    return stack


@pytest.mark.parametrize(
    ("runtime", "ephemeral", "calls"),
    [
        ("native", True, [("down",)]),
        ("native", False, []),
        # The host started the stack around a container of drills, and stops it.
        (IN_NETWORK, True, []),
    ],
)
def test_only_ephemeral_stack_of_this_run_is_stopped(
    tmp_path: Path,
    file: Path,
    stack: FakeRuntime,
    runtime: str,
    ephemeral: bool,
    calls: list[tuple[str]],
) -> None:
    own = StackSettings(tmp_path, runtime=runtime, ephemeral=ephemeral)
    UndoLog(tmp_path).write(UndoRecord("run", 1.0, own, "Down", [("remove_file", str(file))]))
    undo.run_guard(tmp_path)
    assert stack.calls == calls
    assert not file.exists()


def test_failed_undo_is_logged(
    tmp_path: Path, stack: FakeRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "not-a-file"
    folder.mkdir()
    UndoLog(tmp_path).write(make_record(tmp_path, folder))
    undo.run_guard(tmp_path)
    record = UndoLog(tmp_path).read()
    assert record
    assert not record.undone
    assert f"remove_file {folder}: " in capsys.readouterr().out


@pytest.mark.parametrize("undone", [True, None])
def test_nothing_to_undo_is_left_alone(
    tmp_path: Path, file: Path, stack: FakeRuntime, undone: bool | None
) -> None:
    if undone:
        stack_settings = StackSettings(tmp_path, ephemeral=True)
        steps = [("remove_file", str(file))]
        UndoLog(tmp_path).write(UndoRecord("run", 1.0, stack_settings, "Down", steps, undone=True))
    undo.run_guard(tmp_path)
    assert file.exists()
    assert stack.calls == []
