import mmap
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psutil
import pytest

from alertdrill.drills import host_stress, process_tag
from alertdrill.settings import ROOT
from tests.unit.alertdrill.drills.processes import of_run, poll_until


@pytest.fixture
def run() -> Iterator[str]:
    made = f"test-{uuid.uuid4()}"
    yield made
    process_tag.terminate(made)


def strained(run: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "alertdrill.drills.host_stress", *arguments],
        env=process_tag.tagged_environment(run),
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


def test_burning_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "cpu_stress")
    cores = psutil.cpu_count() or 1
    poll_until(lambda: len(of_run(run)) == cores, "one process a core")
    poll_until(
        lambda: all(one.nice() == psutil.Process().nice() + 5 for one in of_run(run)), "politeness"
    )
    process.communicate()
    poll_until(lambda: not of_run(run), "the end of every process")


def test_hogging_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "memory_pressure", "0.995", "0.99")
    assert process.poll() is None
    process.communicate(timeout=60)
    assert process.returncode == 0


class FakeMemory:
    """A host of 100 chunks; each that is taken is missing from what is available."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.total = 100 * host_stress.CHUNK
        self.available = 50 * host_stress.CHUNK
        monkeypatch.setattr("alertdrill.drills.host_stress.psutil.virtual_memory", lambda: self)
        monkeypatch.setattr("alertdrill.drills.host_stress.mmap.mmap", self._take)

    def _take(self, _: int, size: int, *, flags: int) -> None:
        assert flags & mmap.MAP_POPULATE
        self.available -= size


@pytest.mark.parametrize(("leave", "chunks"), [(0.1, 11), (0.5, 50), (0.99, 50)])
def test_share_is_left_available(
    monkeypatch: pytest.MonkeyPatch, leave: float, chunks: int
) -> None:
    memory = FakeMemory(monkeypatch)
    list(host_stress._allocate(leave))
    assert memory.available == chunks * host_stress.CHUNK
    assert memory.available >= leave * memory.total or leave > 0.5


def test_strain_that_is_not_begun_ends(run: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "alertdrill.drills.host_stress", "cpu_stress"],
        env=process_tag.tagged_environment(run),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert process.stdout == b"ready\n"
    assert not of_run(run)
