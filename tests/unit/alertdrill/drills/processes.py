"""Helpers that wait for processes with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from alertdrill.drills.undo import TAG_VARIABLE

# Far more than an interpreter takes to start on a machine whose every core is busy.
TIMEOUT_S = 60.0


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
