"""Faults: how to inject each, and how to undo it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...config import ROOT
from ...errors import AlertdrillError
from ..context import DrillContext
from ..model import DrillError
from ..undo import UndoStep, tagged_environment

# A fault that does less than this share of what it should has not tested its rule. Each rule needs
# less.
MIN_SHARE = 0.8


@dataclass(frozen=True)
class Effect:
    """What a fault has `achieved` of its `target`, in a unit; less than `minimum` is too little."""

    achieved: float
    target: float
    unit: str
    minimum_share: float = MIN_SHARE

    @property
    def reached(self) -> bool:
        """Return whether the fault did what its rule needs."""
        return self.achieved >= self.minimum_share * self.target

    def __str__(self) -> str:
        """Return a text such as `0.66 of 0.98 of a processor`."""
        return f"{self.achieved:.3g} of {self.target:.3g} {self.unit}"


@dataclass(frozen=True)
class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `prepare` does the slow work that has no effect yet, before the drill's clock starts. `stop`
    ends the fault's work in this process, before the undo steps. `prepare` and `inject` raise
    `AlertdrillError` if they fail. `measure` returns the effect since the injection, at a time in
    seconds since 1970; None if it is not measurable.
    """

    inject: Callable[[], object]
    undo: Sequence[UndoStep] = ()
    prepare: Callable[[], object] = lambda: None
    stop: Callable[[], object] = lambda: None
    measure: Callable[[float], Effect | None] = lambda _: None


def repeating(
    interval: float, action: Callable[[], object], undo: Sequence[UndoStep] = (), *, unit: str = ""
) -> Fault:
    """Return a fault that calls an action at once and every `interval` seconds, until it stops.

    With a `unit`, the number of calls is its effect.
    """
    stopped = threading.Event()
    count = 0

    def loop() -> None:
        nonlocal count
        due = time.monotonic()
        while not stopped.is_set():
            count += 1
            # The target may be down at the moment; the next call tries again.
            with contextlib.suppress(AlertdrillError, OSError):
                action()
            due += interval
            stopped.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=loop, daemon=True)

    def stop() -> None:
        stopped.set()
        if thread.ident:
            thread.join()

    def measure(since: float) -> Effect | None:
        return Effect(count, 1 + (time.time() - since) // interval, unit) if unit else None

    return Fault(thread.start, undo, stop=stop, measure=measure)


def process_fault(
    context: DrillContext,
    module: str,
    *arguments: str,
    measure: Callable[[float], Effect | None] = lambda _: None,
) -> Fault:
    """Return the fault of a process that runs a module, until the fault stops.

    The process prints a line when it is ready, starts when it reads one, and exits when its input
    closes: also if this process is killed.
    """
    processes: list[subprocess.Popen[str]] = []

    def prepare() -> None:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", module, *arguments],
            env=tagged_environment(context.record.run_id),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            start_new_session=True,
        )
        processes.append(process)
        assert process.stdout
        if not process.stdout.readline():  # it is ready; memory takes seconds
            text = " ".join(arguments)
            raise DrillError(f"The process of {text} exited before it was ready.")

    def inject() -> None:
        stdin = processes[0].stdin
        assert stdin
        stdin.write("go\n")

    def stop() -> None:
        for process in processes:
            process.communicate()

    return Fault(inject, prepare=prepare, stop=stop, measure=measure)
