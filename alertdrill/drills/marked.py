"""The processes that a run starts beside the stack: found by a mark, whatever became of the run."""

from __future__ import annotations

import contextlib
import os

import psutil

# In the environment of the load and of what strains the host.
MARK = "ALERTDRILL_RUN"
# Locust ends within a second or two when asked.
PATIENCE = 5.0


def environment(run: str) -> dict[str, str]:
    """Return this process's environment with the mark of the run."""
    return {**os.environ, MARK: run}


def end(run: str) -> int:
    """End every process of a run: ask each, kill what stays; return how many there were."""
    found = []
    for process in psutil.process_iter():
        # Gone meanwhile, another user's, or a zombie: none of them is ours to end.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == run:
                process.terminate()
                found.append(process)
    _, left = psutil.wait_procs(found, timeout=PATIENCE)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=PATIENCE)
    return len(found)
