"""What a run has broken at the moment, on disk, so that nothing stays broken without it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from .. import stored
from ..settings import StackSettings
from .errors import DrillError
from .steps import Step

# What a guard may take to undo everything and to end a stack of the run's own.
PATIENCE = 60.0
STEP = 0.2


@dataclass(frozen=True)
class Entry:
    """A run at work: when it began, on which stack, at which drill, and how to undo it."""

    run: str
    began: float
    stack: StackSettings
    alert: str = ""
    undo: Sequence[Step] = ()
    # Set by the guard of a run that was cut off, once it has undone everything.
    undone: bool = False
    # The process of the run: while it lives, nobody else cleans up after it.
    process: int = field(default_factory=os.getpid)


class Ledger:
    """The one entry of a home, in `drills/current.json`; absent when no run is at work."""

    def __init__(self, home: Path) -> None:
        self.file = home / "drills" / "current.json"

    def write(self, entry: Entry) -> None:
        """Replace the entry, at once and whole."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(entry), default=str))
        fresh.replace(self.file)

    def read(self) -> Entry | None:
        """Return the entry, None where there is none that can be read."""
        try:
            found = json.loads(self.file.read_text())
            return Entry(
                **{
                    **found,
                    "stack": stored.read(found["stack"]),
                    "undo": [tuple(step) for step in found["undo"]],
                }
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def clear(self) -> None:
        """Forget the entry: nothing is broken any more."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def held(self, patience: float | None = None) -> Iterator[None]:
        """Be the only one at work in this home.

        Unless told how many seconds to wait, wait for nothing but the guard of a run that was
        cut off.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if patience is None:
            found = self.read()
            patience = PATIENCE if found and not _lives(found.process) else 0
        deadline = time.monotonic() + patience
        with (self.file.parent / "lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise DrillError(
                            "Another run of drills is at work: wait for it to end."
                        ) from None
                    time.sleep(STEP)
            yield


def _lives(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
