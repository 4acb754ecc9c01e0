"""Wait for processes with a deadline, and never leave one behind."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from alertdrill.drills.marked import MARK

# Far more than an interpreter takes to start on a machine whose every core is busy.
PATIENCE = 60.0


def poll_until(check: Callable[[], object], awaited: str) -> None:
    """Return once `check` is true; fail after the patience, naming what was awaited."""
    deadline = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, f"{awaited} did not come"
        time.sleep(0.02)


def of_run(run: str) -> list[psutil.Process]:
    """Return the living processes of a run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == run and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
