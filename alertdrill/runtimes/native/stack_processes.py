"""Find and stop the processes of a stack, even without their supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

import psutil

# Identifies every process of a stack, even if supervisord is gone.
STACK_TAG = "ALERTDRILL_STACK"
# A program that is still running after this time does not stop by itself.
TIMEOUT_S = 5.0


def find(home: str) -> list[psutil.Process]:
    """Return every process with the tag of the stack at `home`."""
    tagged = []
    for process in psutil.process_iter():
        # Gone meanwhile, of another user, or a zombie: not ours to stop.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(STACK_TAG) == home:
                tagged.append(process)
    return tagged


def terminate(processes: Iterable[psutil.Process]) -> None:
    """Terminate processes, and kill those that are left after five seconds."""
    running = list(processes)
    for process in running:
        with contextlib.suppress(psutil.Error):
            process.resume()  # a frozen process ignores SIGTERM
            process.terminate()
    _, remaining = psutil.wait_procs(running, timeout=TIMEOUT_S)
    for process in remaining:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(remaining, timeout=TIMEOUT_S)


def signal_instance(pid: int, number: signal.Signals) -> None:
    """Send a signal to an instance and its workers; supervisord makes them one process group."""
    with contextlib.suppress(ProcessLookupError):  # gone meanwhile
        os.killpg(pid, number)


def is_paused(pid: int) -> bool:
    """Return whether a process is frozen."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False
