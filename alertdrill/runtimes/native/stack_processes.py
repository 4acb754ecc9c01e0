"""Find and end the processes of a stack, whatever became of their supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

import psutil

# Marks every process of a stack, so that it is found again whatever happened to supervisord.
STACK_TAG = "ALERTDRILL_STACK"
# A program that has not left by then will not by itself.
TIMEOUT_S = 5.0


def find(home: str) -> list[psutil.Process]:
    """Return every process that carries the mark of the stack at `home`."""
    found = []
    for process in psutil.process_iter():
        # Gone meanwhile, another user's, or a zombie: none of them is ours to end.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(STACK_TAG) == home:
                found.append(process)
    return found


def terminate(processes: Iterable[psutil.Process]) -> None:
    """End processes: ask each, and kill what has not left after five seconds."""
    asked = list(processes)
    for process in asked:
        with contextlib.suppress(psutil.Error):
            process.resume()  # a stopped process would not hear
            process.terminate()
    _, left = psutil.wait_procs(asked, timeout=TIMEOUT_S)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=TIMEOUT_S)


def signal_instance(pid: int, number: signal.Signals) -> None:
    """Send a signal to an instance with all its workers; supervisord made them one group."""
    with contextlib.suppress(ProcessLookupError):  # gone meanwhile
        os.killpg(pid, number)


def is_paused(pid: int) -> bool:
    """Tell whether a process is frozen."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
