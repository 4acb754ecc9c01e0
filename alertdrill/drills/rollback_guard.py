"""A process beside each run that undoes its faults if the run is killed.

It waits for the end of its standard input, which comes when the run ends for any reason.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click

from ..runtimes import select_runtime
from ..settings import ROOT
from . import process_tag, undo
from .undo_log import UndoLog

DONE = b"done"
# The kernel may take a while to end the rest of a killed run, and to release its lock.
LOCK_TIMEOUT_S = 30.0


class RollbackGuard:
    """Starts the guard process of this run."""

    def __init__(self, home: Path) -> None:
        with log_file(home).open("w") as file:
            # In its own session, so that Ctrl-C reaches only the run.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-m", "alertdrill.drills.rollback_guard", str(home.absolute())],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """Stop the process: the run has undone everything itself."""
        self._process.communicate(DONE)


def log_file(home: Path) -> Path:
    """Return the guard's log file of a home; it is empty unless a run was killed."""
    return home / "drills" / "guard.log"


def main(home: Path) -> None:
    """Wait for the run to end, undo its fault, and stop its ephemeral stack."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == DONE:
        return
    undo_log = UndoLog(home)
    # A killed run closes this pipe a moment before it releases its lock.
    with undo_log.lock(LOCK_TIMEOUT_S):
        record = undo_log.read()
        if record is None or record.undone:
            return
        process_tag.terminate(record.run_id)
        runtime = select_runtime(record.stack, click.echo)
        failures = undo.perform(runtime, record.undo)
        for failure in failures:
            click.echo(failure)
        if record.stack.ephemeral:
            runtime.down(click.echo)
        undo_log.write(replace(record, undone=not failures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
