"""The processes that a run starts beside the stack. A tag in their environment identifies them."""

from __future__ import annotations

import contextlib
import os

import psutil

# The variable that tags the load and the host's stress processes with the run's id.
TAG_VARIABLE = "ALERTDRILL_RUN"
# Locust exits within two seconds after SIGTERM.
TIMEOUT_S = 5.0


def tagged_environment(run_id: str) -> dict[str, str]:
    """Return this process's environment with the tag of the run."""
    return {**os.environ, TAG_VARIABLE: run_id}


def terminate(run_id: str) -> int:
    """Terminate every process of a run, and kill those that stay; return their number."""
    processes = []
    for process in psutil.process_iter():
        # A process that exited, belongs to another user or is a zombie cannot be read.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TAG_VARIABLE) == run_id:
                process.terminate()
                processes.append(process)
    _, alive = psutil.wait_procs(processes, timeout=TIMEOUT_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=TIMEOUT_S)
    return len(processes)
