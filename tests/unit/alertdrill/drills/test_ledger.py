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

from alertdrill.drills import ledger as ledgers
from alertdrill.drills.errors import DrillError
from alertdrill.drills.ledger import Entry, Ledger
from alertdrill.settings import Ports, StackSettings
from tests.unit.alertdrill.drills.fakes import FakeClock

UNDO = [("start", "web"), ("configure", "prometheus", "rules.d/drill.yml"), ("relist",)]
# No process has it: the kernel gives no number above 2^22.
GONE = 2**22 + 1


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "home")


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    stack = StackSettings(tmp_path, tmp_path / "cache", ports=Ports(lb=18080), faults_enabled=False)
    return Entry("the-run", 1.5, replace(stack, speed=12.0, rehearsal=True), "Down", UNDO)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(ledgers, "time", made)
    return made


def test_entry_comes_back_the_same(ledger: Ledger, entry: Entry) -> None:
    ledger.write(entry)
    assert ledger.read() == entry
    ledger.write(replace(entry, undone=True, undo=[], stack=StackSettings(Path("/x"))))
    assert ledger.read() == Entry("the-run", 1.5, StackSettings(Path("/x")), "Down", [], True)


def test_entry_is_replaced_at_once(ledger: Ledger, entry: Entry) -> None:
    ledger.write(entry)
    ledger.write(replace(entry, alert="Slow"))
    assert [file.name for file in ledger.file.parent.iterdir()] == ["current.json"]
    assert json.loads(ledger.file.read_text())["alert"] == "Slow"


def test_cleared_ledger_has_nothing(ledger: Ledger, entry: Entry) -> None:
    ledger.clear()
    ledger.write(entry)
    ledger.clear()
    assert ledger.read() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"stack": {}, "undo": []}', '{"stack": 1, "undo": 1}']
)
def test_damaged_entry_is_no_entry(ledger: Ledger, text: str) -> None:
    ledger.file.parent.mkdir(parents=True)
    ledger.file.write_text(text)
    assert ledger.read() is None


def test_entry_of_another_version_is_none(ledger: Ledger, entry: Entry) -> None:
    ledger.write(entry)
    found = json.loads(ledger.file.read_text())
    found["stack"]["unheard_of"] = 1
    ledger.file.write_text(json.dumps(found))
    assert ledger.read() is None


@contextmanager
def busy(ledger: Ledger) -> Iterator[None]:
    """Hold the lock as another process would: with a file handle of its own."""
    ledger.file.parent.mkdir(parents=True, exist_ok=True)
    with (ledger.file.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_second_run_is_refused(ledger: Ledger, clock: FakeClock) -> None:
    begun = clock.now
    with busy(ledger), pytest.raises(DrillError, match=r"^Another run of drills is at work: wait"):
        ledger.held().__enter__()
    assert clock.now - begun < 1  # nobody is cleaning up, so there is nothing to wait for


def test_guard_is_waited_for(ledger: Ledger, entry: Entry, clock: FakeClock) -> None:
    ledger.write(replace(entry, process=GONE))
    begun = clock.now
    with busy(ledger), pytest.raises(DrillError):
        ledger.held().__enter__()
    assert clock.now - begun == pytest.approx(ledgers.PATIENCE, abs=1)


def test_living_run_is_not_waited_for(ledger: Ledger, entry: Entry, clock: FakeClock) -> None:
    ledger.write(entry)
    begun = clock.now
    with busy(ledger), pytest.raises(DrillError, match=r"^Another run of drills is at work"):
        ledger.held().__enter__()
    assert clock.now - begun == pytest.approx(ledgers.STEP)


def test_dead_run_is_no_living_one(ledger: Ledger, entry: Entry, clock: FakeClock) -> None:
    run = subprocess.Popen([sys.executable, "-c", ""])
    # Ended, and nobody has asked how: what a killed run is under a careless parent.
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    ledger.write(replace(entry, process=run.pid))
    begun = clock.now
    with busy(ledger), pytest.raises(DrillError):
        ledger.held().__enter__()
    assert clock.now - begun == pytest.approx(ledgers.PATIENCE, abs=1)
    run.wait()


def test_guard_waits_for_dying_run(ledger: Ledger, entry: Entry, clock: FakeClock) -> None:
    ledger.write(entry)
    begun = clock.now
    with busy(ledger), pytest.raises(DrillError):
        ledger.held(10).__enter__()
    assert clock.now - begun == pytest.approx(10, abs=1)


def test_lock_is_given_back(ledger: Ledger) -> None:
    for _ in range(2):
        with ledger.held():
            pass
    with pytest.raises(KeyError), ledger.held():
        raise KeyError
    with ledger.held():
        pass
