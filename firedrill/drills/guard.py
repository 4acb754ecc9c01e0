"""A small process beside each run that undoes its faults when the run is cut off.

It waits for its standard input to end, which happens when the run is gone, whatever ended it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from ..runtimes import choose
from ..settings import ROOT
from . import marked, steps
from .ledger import Ledger

DONE = b"done"


class Guard:
    """The guard of this run."""

    def __init__(self, home: Path) -> None:
        # A session of its own, so that Ctrl-C reaches the run alone.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "firedrill.drills.guard", str(home.absolute())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Tell it that the run has undone everything by itself."""
        self._process.communicate(DONE)


def main(home: Path) -> None:
    """Wait for the run to end; undo what it left, and end a stack that was its own."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() == DONE:
        return
    ledger = Ledger(home)
    with ledger.held():
        entry = ledger.read()
        if entry is None or entry.undone:
            return
        marked.end(entry.run)
        runtime = choose(entry.stack, lambda _: None)
        failures = steps.perform(runtime, entry.undo)
        if entry.stack.rehearsal:
            runtime.down(lambda _: None)
        ledger.write(replace(entry, undone=not failures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
