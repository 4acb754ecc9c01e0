from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from alerting.responder.errors import DatabaseError
from alerting.responder.healing.reconcile_loop import ReconcileLoop


class Reconciler:
    """Counts its turns; `fails` raises in the first ones."""

    def __init__(self, *fails: Exception) -> None:
        self.turns = 0
        self.looks = 0
        self._fails = list(fails)

    def reconcile(self, _now: datetime) -> None:
        self.turns += 1
        if self._fails:
            raise self._fails.pop(0)

    def resync(self, _now: datetime) -> None:
        self.looks += 1
        if self._fails:
            raise self._fails.pop(0)


Start = Callable[[Reconciler], ReconcileLoop]
# How long a turn of a busy one takes, in seconds.
TOOK = 0.05


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[ReconcileLoop] = []

    def begin(healer: Reconciler) -> ReconcileLoop:
        # At this speed it would turn by itself once in some hours.
        made.append(ReconcileLoop(healer, tmp_path / "lock", speed=0.0001))  # type: ignore[arg-type]
        made[-1].start()
        return made[-1]

    yield begin
    for loop in made:
        loop.stop()


def wait(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        Event().wait(0.01)


def test_it_turns_at_once_and_when_woken(start: Start) -> None:
    healer = Reconciler()
    loop = start(healer)
    wait(lambda: healer.turns == 1, "the first turn")
    assert healer.looks == 1
    loop.wake()
    wait(lambda: healer.turns == 2, "the second turn")


@pytest.mark.parametrize("error", [DatabaseError("full"), ZeroDivisionError()])
def test_a_turn_that_fails_is_not_the_last(start: Start, error: Exception) -> None:
    healer = Reconciler(error, error)
    loop = start(healer)
    wait(lambda: healer.turns == 1, "the first turn")
    loop.wake()
    wait(lambda: healer.turns == 2, "the second turn")


class Busy(Reconciler):
    """Takes its time for each turn, and is woken in each; notes start and end."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: ReconcileLoop | None = None
        self.times: list[float] = []

    def reconcile(self, now: datetime) -> None:
        self.times.append(time.monotonic())
        Event().wait(TOOK)
        super().reconcile(now)
        if self.loop:
            self.loop.wake()
        self.times.append(time.monotonic())


def test_others_have_half_of_the_time(start: Start) -> None:
    healer = Busy()
    healer.loop = start(healer)
    healer.loop.wake()
    wait(lambda: healer.turns >= 3, "three turns")
    ends, begins = healer.times[1::2], healer.times[2::2]
    # Nothing rests for less than it was told to; what is noted lies within the turn that is timed.
    assert all(begin - end >= TOOK for end, begin in zip(ends, begins, strict=False))


def test_of_two_workers_one_turns(start: Start) -> None:
    first, second = Reconciler(), Reconciler()
    loop = start(first)
    wait(lambda: first.turns == 1, "the first turn")
    start(second).wake()
    loop.wake()
    wait(lambda: first.turns == 2, "the second turn")
    assert second.turns == 0
