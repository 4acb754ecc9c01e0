import mmap
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psutil
import pytest

from alertdrill.config import ROOT
from alertdrill.drills import undo
from alertdrill.drills.faults import host_stress
from tests.unit.alertdrill.drills.fakes import of_run, poll_until


@pytest.fixture
def run() -> Iterator[str]:
    run_id = f"test-{uuid.uuid4()}"
    yield run_id
    undo.terminate_processes(run_id)


def strained(run: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "alertdrill.drills.faults.host_stress", *arguments],
        env=undo.tagged_environment(run),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def test_cpu_stress_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "cpu_stress")
    cores = psutil.cpu_count() or 1
    poll_until(lambda: len(of_run(run)) == cores, "one process per core")
    priority = min(19, psutil.Process().nice() + 5)  # 19 is the lowest
    poll_until(
        lambda: all(process.nice() == priority for process in of_run(run)), "a lower priority"
    )
    process.communicate()
    poll_until(lambda: not of_run(run), "the end of every process")


def test_memory_pressure_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "memory_pressure", "0.995", "0.99")
    assert process.poll() is None
    process.communicate(timeout=60)
    assert process.returncode == 0


class FakeMemory:
    """A host with 100 chunks of memory; allocated chunks are not available."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.total = 100 * host_stress.CHUNK
        self.available = 50 * host_stress.CHUNK
        monkeypatch.setattr(
            "alertdrill.drills.faults.host_stress.psutil.virtual_memory", lambda: self
        )
        monkeypatch.setattr("mmap.mmap", self._take)

    def _take(self, _: int, size: int, *, flags: int) -> None:
        assert flags & mmap.MAP_POPULATE
        self.available -= size


@pytest.mark.parametrize(("leave", "chunks"), [(0.1, 11), (0.5, 50), (0.99, 50)])
def test_fraction_stays_available(
    monkeypatch: pytest.MonkeyPatch, leave: float, chunks: int
) -> None:
    memory = FakeMemory(monkeypatch)
    list(host_stress._allocate(leave))
    assert memory.available == chunks * host_stress.CHUNK
    assert memory.available >= leave * memory.total or leave > 0.5


def test_stress_that_was_not_started_ends(run: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "alertdrill.drills.faults.host_stress", "cpu_stress"],
        env=undo.tagged_environment(run),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert process.stdout == b"ready\n"
    assert not of_run(run)
