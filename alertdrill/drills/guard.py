"""A small process beside each run that undoes its faults when the run is cut off.

It waits for its standard input to end, which happens when the run is gone, whatever ended it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click

from ..runtimes import choose
from ..settings import ROOT
from . import marked, steps
from .ledger import Ledger

DONE = b"done"
# What the kernel may take to end the rest of the run, and another run to be refused, in seconds.
PATIENCE = 30.0


class Guard:
    """The guard of this run."""

    def __init__(self, home: Path) -> None:
        with log(home).open("w") as file:
            # A session of its own, so that Ctrl-C reaches the run alone.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-m", "alertdrill.drills.guard", str(home.absolute())],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """Tell it that the run has undone everything by itself."""
        self._process.communicate(DONE)


def log(home: Path) -> Path:
    """Return the file of a home that says what its guard did, empty after a quiet run."""
    return home / "drills" / "guard.log"


def main(home: Path) -> None:
    """Wait for the run to end; undo what it left, and end a stack that was its own."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == DONE:
        return
    ledger = Ledger(home)
    # A dying run closes this pipe a moment before it gives back its lock.
    with ledger.held(PATIENCE):
        entry = ledger.read()
        if entry is None or entry.undone:
            return
        marked.end(entry.run)
        runtime = choose(entry.stack, click.echo)
        failures = steps.perform(runtime, entry.undo)
        for failure in failures:
            click.echo(failure)
        if entry.stack.rehearsal:
            runtime.down(click.echo)
        ledger.write(replace(entry, undone=not failures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
