import subprocess
import sys
import uuid
from collections.abc import Iterator

import psutil
import pytest

from firedrill.drills import marked, strain
from firedrill.settings import ROOT
from tests.unit.firedrill.drills.processes import of_run, poll_until


@pytest.fixture
def run() -> Iterator[str]:
    made = f"test-{uuid.uuid4()}"
    yield made
    marked.end(made)


def strained(run: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "firedrill.drills.strain", *arguments],
        env=marked.environment(run),
        cwd=ROOT,
        stdin=subprocess.PIPE,
    )


def test_burning_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "burn")
    cores = psutil.cpu_count() or 1
    poll_until(lambda: len(of_run(run)) == cores, "one process a core")
    poll_until(lambda: all(one.nice() == 5 for one in of_run(run)), "politeness")
    process.communicate()
    poll_until(lambda: not of_run(run), "the end of every process")


def test_hogging_ends_with_its_pipe(run: str) -> None:
    process = strained(run, "hog", "0.99")
    assert process.poll() is None
    process.communicate(timeout=60)
    assert process.returncode == 0


class FakeMemory:
    """A host of 100 chunks; each that is taken is missing from what is available."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.total = 100 * strain.CHUNK
        self.available = 50 * strain.CHUNK
        self.looks = 0
        monkeypatch.setattr("firedrill.drills.strain.psutil.virtual_memory", lambda: self)
        monkeypatch.setattr(strain, "_touched", self._take)
        monkeypatch.setattr("firedrill.drills.strain.select.select", self._ended)
        monkeypatch.setattr("firedrill.drills.strain.Path.write_text", lambda *_: 0)

    def _take(self, size: int) -> None:
        self.available -= size

    def _ended(self, *_: object) -> tuple[bool]:
        self.looks += 1
        return (self.looks > 3,)


@pytest.mark.parametrize(("leave", "chunks"), [(0.1, 11), (0.5, 50), (0.99, 50)])
def test_share_is_left_available(
    monkeypatch: pytest.MonkeyPatch, leave: float, chunks: int
) -> None:
    memory = FakeMemory(monkeypatch)
    strain.hog(leave)
    assert memory.available == chunks * strain.CHUNK
    assert memory.available >= leave * memory.total or leave > 0.5


def test_every_page_is_touched() -> None:
    block = strain._touched(4 * strain.PAGE)
    assert [block[place] for place in range(0, len(block), strain.PAGE)] == [1, 1, 1, 1]
    block.close()
