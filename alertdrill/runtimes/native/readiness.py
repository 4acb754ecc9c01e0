"""Wait until processes are ready, and report why one is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ...clients import http
from ..base import POLL_INTERVAL_S
from ..errors import NotReadyError
from .layout import Layout
from .log_files import read_last_lines
from .processes import Process

# Slow machines need ten seconds for everything; after a minute, a program has failed.
TIMEOUT_S = 60.0
# supervisord no longer restarts it.
FAILED_STATES = ("FATAL", "UNKNOWN")
# Enough lines that one of them is not blank.
LOG_LINES_SEARCHED = 20


def is_ready(process: Process, timeout: float = 1.0) -> bool:
    """Return whether a process answers its probe with 200."""
    return http.is_ready(process.ready, timeout)


def wait_until_ready(
    processes: Iterable[Process],
    state: Callable[[str], str],
    layout: Layout,
    ready: Callable[[Process], None] = lambda _: None,
) -> None:
    """Return when all are ready; raise `NotReadyError` with the last log line of one that is not.

    `state` returns supervisord's state of a process; `ready` is called with each ready process.
    """
    waiting = list(processes)
    deadline = time.monotonic() + TIMEOUT_S
    while waiting:
        for process in list(waiting):
            if is_ready(process):
                waiting.remove(process)
                ready(process)
            elif state(process.name) in FAILED_STATES or time.monotonic() > deadline:
                raise NotReadyError(_reason(process, layout))
        time.sleep(POLL_INTERVAL_S if waiting else 0)


def _reason(process: Process, layout: Layout) -> str:
    files = [layout.logs / f"{process.name}{suffix}" for suffix in (".jsonl", ".stderr.log")]
    lines = [
        line for file in files for line in read_last_lines(file, LOG_LINES_SEARCHED) if line.strip()
    ]
    last_line = f" Its last log line: {lines[-1][:400]}" if lines else ""
    return f"{process.name} is not ready (see `make logs S={process.name}`).{last_line}"
