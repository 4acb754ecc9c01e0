"""Map supervisord's process states to ours."""

from __future__ import annotations

from collections.abc import Mapping

from ..base import State
from . import readiness, stack_processes
from .process import Process

# supervisord's states, and ours.
STATES: Mapping[str, State] = {
    "STARTING": "starting",
    "BACKOFF": "starting",
    "STOPPING": "stopped",
    "STOPPED": "stopped",
    "EXITED": "failed",
    "FATAL": "failed",
}


def state_of(process: Process, word: str, pid: int | None, wanted: bool) -> State:
    """Return the state of a process that supervisord reports as `word`."""
    if word in STATES:
        return "standby" if STATES[word] == "stopped" and not wanted else STATES[word]
    if pid is not None and stack_processes.is_paused(pid):
        return "paused"
    return "ready" if readiness.is_ready(process) else "unready"
