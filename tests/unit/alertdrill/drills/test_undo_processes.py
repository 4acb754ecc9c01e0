import subprocess
import sys
import uuid

import pytest

from alertdrill.drills import undo
from tests.unit.alertdrill.drills.processes import of_run, poll_until

# It prints a line when it is ready, and exits when its input closes.
WAITS = "print('up', flush=True); input()"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


def started(code: str, run: str) -> subprocess.Popen[bytes]:
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


@pytest.fixture
def run() -> str:
    return f"test-{uuid.uuid4()}"


def test_environment_has_the_tag(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    assert undo.tagged_environment(run)[undo.TAG_VARIABLE] == run
    assert undo.tagged_environment(run)["OURS"] == "1"


def test_only_processes_of_the_run_are_terminated(run: str) -> None:
    ours, other = started(WAITS, run), started(WAITS, f"{run}-other")
    try:
        assert undo.terminate_processes(run) == 1
        poll_until(lambda: ours.poll() is not None, "the end of ours")
        assert other.poll() is None
    finally:
        ours.communicate()
        other.communicate(b"\n")


def test_stubborn_process_is_killed(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "TERMINATE_TIMEOUT_S", 0.3)
    process = started(STUBBORN, run)
    try:
        assert undo.terminate_processes(run) == 1
        assert of_run(run) == []
    finally:
        process.communicate()


def test_run_without_processes_terminates_none(run: str) -> None:
    assert undo.terminate_processes(run) == 0
