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


@dataclass(frozen=True)
class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `prepare` does the slow work that has no effect yet, before the drill's clock starts. `stop`
    ends the fault's work in this process, before the undo steps. `prepare` and `inject` raise
    `AlertdrillError` if they fail.
    """

    inject: Callable[[], object]
    undo: Sequence[UndoStep] = ()
    prepare: Callable[[], object] = lambda: None
    stop: Callable[[], object] = lambda: None


def repeating(
    interval: float, action: Callable[[], object], undo: Sequence[UndoStep] = ()
) -> Fault:
    """Return a fault that calls an action at once and every `interval` seconds, until it stops."""
    stopped = threading.Event()

    def loop() -> None:
        due = time.monotonic()
        while not stopped.is_set():
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

    return Fault(thread.start, undo, stop=stop)


def process_fault(context: DrillContext, module: str, *arguments: str) -> Fault:
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

    return Fault(inject, prepare=prepare, stop=stop)
