"""The undo steps of the run in progress, on disk, so that no fault outlives its run."""

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

from .. import settings_json
from ..settings import StackSettings
from .errors import DrillError
from .undo import UndoStep

# What the rollback guard may take to undo everything and to stop an ephemeral stack.
GUARD_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.2


@dataclass(frozen=True)
class UndoRecord:
    """A run in progress: its start, its stack, its current drill, and how to undo its fault."""

    run_id: str
    began: float
    stack: StackSettings
    alert: str = ""
    undo: Sequence[UndoStep] = ()
    # Set by the rollback guard of a run that was killed, after it has undone everything.
    undone: bool = False
    # While this process lives, no other process cleans up after the run.
    process: int = field(default_factory=os.getpid)


class UndoLog:
    """The file `drills/current.json` of a home; it exists only while a run is in progress."""

    def __init__(self, home: Path) -> None:
        self.file = home / "drills" / "current.json"

    def write(self, record: UndoRecord) -> None:
        """Replace the record atomically."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record), default=str))
        temporary.replace(self.file)

    def read(self) -> UndoRecord | None:
        """Return the record, or None if there is none or it is unreadable."""
        try:
            fields = json.loads(self.file.read_text())
            return UndoRecord(
                **{
                    **fields,
                    "stack": settings_json.from_dict(fields["stack"]),
                    "undo": [tuple(step) for step in fields["undo"]],
                }
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def clear(self) -> None:
        """Remove the record, once nothing is left to undo."""
        self.file.unlink(missing_ok=True)

    @contextmanager
    def lock(self, timeout_s: float | None = None) -> Iterator[None]:
        """Allow one run at a time in this home; raise `DrillError` if another is in progress.

        Without `timeout_s`, wait only for the rollback guard of a run that was killed.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if timeout_s is None:
            record = self.read()
            timeout_s = GUARD_TIMEOUT_S if record and not _is_alive(record.process) else 0
        deadline = time.monotonic() + timeout_s
        with (self.file.parent / "lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise DrillError(
                            "Another run of drills is in progress: wait until it ends."
                        ) from None
                    time.sleep(POLL_INTERVAL_S)
            yield


def _is_alive(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
