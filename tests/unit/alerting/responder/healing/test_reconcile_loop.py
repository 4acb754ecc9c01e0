from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from alerting.responder.errors import DatabaseError
from alerting.responder.healing.reconciler import ReconcileLoop, Reconciler
from tests.unit.alerting.responder.healing.samples import wait


class FakeReconciler(Reconciler):
    """Counts its runs; raises the errors in the first ones."""

    def __init__(self, *errors: Exception) -> None:
        self.runs = 0
        self.resyncs = 0
        self._errors = list(errors)

    def reconcile(self, now: datetime) -> None:
        del now
        self.runs += 1
        if self._errors:
            raise self._errors.pop(0)

    def resync(self, now: datetime) -> None:
        del now
        self.resyncs += 1
        if self._errors:
            raise self._errors.pop(0)


Start = Callable[[Reconciler], ReconcileLoop]
# The seconds of a run of the busy reconciler.
RUN_S = 0.05


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    loops: list[ReconcileLoop] = []

    def start_loop(reconciler: Reconciler) -> ReconcileLoop:
        # At this speed it runs by itself once in some hours.
        loops.append(ReconcileLoop(reconciler, tmp_path / "lock", speed=0.0001))
        loops[-1].start()
        return loops[-1]

    yield start_loop
    for loop in loops:
        loop.stop()


def test_loop_runs_at_once_and_when_woken(start: Start) -> None:
    reconciler = FakeReconciler()
    loop = start(reconciler)
    wait(lambda: reconciler.runs == 1, "the first run")
    assert reconciler.resyncs == 1
    loop.wake()
    wait(lambda: reconciler.runs == 2, "the second run")


@pytest.mark.parametrize("error", [DatabaseError("full"), ZeroDivisionError()])
def test_loop_survives_errors(start: Start, error: Exception) -> None:
    reconciler = FakeReconciler(error, error)
    loop = start(reconciler)
    wait(lambda: reconciler.runs == 1, "the first run")
    loop.wake()
    wait(lambda: reconciler.runs == 2, "the second run")


class BusyReconciler(FakeReconciler):
    """Takes time for each run, and wakes its loop; records the times of start and end."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: ReconcileLoop | None = None
        self.times: list[float] = []

    def reconcile(self, now: datetime) -> None:
        self.times.append(time.monotonic())
        Event().wait(RUN_S)
        super().reconcile(now)
        if self.loop:
            self.loop.wake()
        self.times.append(time.monotonic())


def test_busy_loop_pauses_half_of_the_time(start: Start) -> None:
    reconciler = BusyReconciler()
    reconciler.loop = start(reconciler)
    reconciler.loop.wake()
    wait(lambda: reconciler.runs >= 3, "three runs")
    ends, begins = reconciler.times[1::2], reconciler.times[2::2]
    # The recorded run lies within the run that the loop measures.
    assert all(begin - end >= RUN_S for end, begin in zip(ends, begins, strict=False))


def test_only_one_worker_runs(start: Start) -> None:
    first, second = FakeReconciler(), FakeReconciler()
    loop = start(first)
    wait(lambda: first.runs == 1, "the first run")
    start(second).wake()
    loop.wake()
    wait(lambda: first.runs == 2, "the second run")
    assert second.runs == 0
