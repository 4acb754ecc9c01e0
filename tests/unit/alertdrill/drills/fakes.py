"""Fakes of a load, a console and a clock, which record their calls, and helpers of tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from alertdrill.config.settings import StackSettings
from alertdrill.drills.context import DrillContext, DrillProgress, Traffic
from alertdrill.drills.model import NO_LOAD, Deadlines, Drill, Expectation, FaultSpec, LoadSpec
from alertdrill.drills.result import DrillResult
from alertdrill.drills.undo import TAG_VARIABLE, UndoLog, UndoRecord
from alertdrill.runtimes.base import FaultTarget


class FakeTraffic(Traffic):
    """A load that always runs, unless `error` is set: then `require_running` raises it."""

    def __init__(self) -> None:
        self.spec = NO_LOAD
        self.calls: list[object] = []
        self.error: Exception | None = None

    def ensure(self, spec: LoadSpec) -> None:
        self.calls.append(spec)

    def require_running(self) -> None:
        if self.error:
            raise self.error

    def stop(self) -> None:
        self.calls.append("stop")


class FakeProgress(DrillProgress):
    """Records the events of a run, except for each wait."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def note(self, sentence: str) -> None:
        self.events.append(("note", sentence))

    def drill_started(self, drill: Drill, position: tuple[int, int]) -> None:
        self.events.append(("started", drill.alert, position))

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        assert elapsed >= 0
        assert limit >= 0

    def phase_reached(self, phase: str, elapsed: float, limit: float) -> None:
        self.events.append(("reached", phase))

    def drill_finished(self, result: DrillResult) -> None:
        self.events.append(("finished", result.verdict))


# Far more than an interpreter takes to start on a machine whose every core is busy.
TIMEOUT_S = 60.0


class FakeClock:
    """A clock that only `sleep` advances; replaces the module `time`."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


def make_context(
    runtime: FaultTarget,
    folder: Path,
    *,
    traffic: Traffic | None = None,
    progress: DrillProgress | None = None,
    undo_log: UndoLog | None = None,
    run_id: str = "the-run",
    **clients: object,
) -> DrillContext:
    """Return the context of a run with fakes; `clients` replace those of its components."""
    context = DrillContext(
        runtime=runtime,
        user_runtime=runtime,
        undo_log=undo_log or UndoLog(folder),
        record=UndoRecord(run_id, 1.0, StackSettings(folder)),
        folder=folder,
        traffic=traffic or FakeTraffic(),
        progress=progress or FakeProgress(),
    )
    vars(context).update(clients)  # where the cached properties keep them
    return context


def make_drill(**changed: Any) -> Drill:
    """Return a drill of `Down`; its limits of 10 s become 15 s at speed 1, with the grace.

    The deadlines are keywords of their own, such as `detect`.
    """
    deadlines = {"detect": 10.0, "resolve": 10.0}
    deadlines |= {key: changed.pop(key) for key in ("detect", "heal", "resolve") if key in changed}
    values: dict[str, Any] = {
        "alert": "Down",
        "description": "Web is frozen.",
        "fault": FaultSpec(kind="pause", target="web-1"),
        "expect": Expectation(labels={"severity": "page"}),
        "deadlines": Deadlines(**deadlines),
    }
    return Drill(**{**values, **changed})


def poll_until(check: Callable[[], object], awaited: str) -> None:
    """Return once `check` is true; fail after the timeout with the name of the condition."""
    deadline = time.monotonic() + TIMEOUT_S
    while not check():
        assert time.monotonic() < deadline, f"{awaited} did not come"
        time.sleep(0.02)


def of_run(run_id: str) -> list[psutil.Process]:
    """Return the running processes of a run."""
    processes = []
    for process in psutil.process_iter():
        try:
            tagged = process.environ().get(TAG_VARIABLE) == run_id
            if tagged and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
        except psutil.Error:
            continue
    return processes
