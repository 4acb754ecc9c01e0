"""Run a request once for each idempotency key, however often a client retries it.

The outcomes are files, which all replicas of the control API share: so a retry that reaches
another replica joins the running request too.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from alertdrill_telemetry.problems import Problem

from ..file_lock import LockedError, file_lock

# Clients retry within minutes: an older file is not needed any more.
MAX_AGE_S = 3600.0
# Longer than the longest request: a grace period of a minute, and a start of a minute.
MAX_WAIT_S = 150.0
# The stack was unavailable: nothing was done, so the same key may be retried.
STACK_UNAVAILABLE = 503
BUSY = "A request with this Idempotency-Key is still running: send it again later."


@dataclass(frozen=True)
class Outcome:
    """The result of a request: an HTTP status and a sentence."""

    status: int
    detail: str


class OutcomeStore:
    """The outcomes of the last hour's keys, in a folder that is created when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def do(self, key: str, request: str, operation: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of `operation`, or the outcome of the first request with this key.

        Raises a `Problem` if the key belongs to a different request. After an exception of
        `operation` the same key may be retried.
        """
        self._delete_old()
        file = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
        lock = file.with_suffix(".lock")
        try:
            # The kernel releases the lock of a replica that dies, and the next one takes over.
            with file_lock(lock, BUSY, MAX_WAIT_S):
                if stored := _stored(file, key, request):
                    return stored
                os.utime(lock)
                outcome = operation()
                if outcome.status != STACK_UNAVAILABLE:
                    file.write_text(json.dumps({"request": request, **asdict(outcome)}))
                return outcome
        except LockedError as error:
            raise Problem(STACK_UNAVAILABLE, str(error)) from error

    def _delete_old(self) -> None:
        oldest = time.time() - MAX_AGE_S
        for file in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # another replica was faster
                if file.stat().st_mtime < oldest:
                    file.unlink()


def _stored(file: Path, key: str, request: str) -> Outcome | None:
    try:
        entry = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):  # the first request, or one that a crash cut off
        return None
    if entry["request"] != request:
        raise Problem(
            400, f"Idempotency-Key {key!r} was used for {entry['request']}: use a new key."
        )
    return Outcome(entry["status"], entry["detail"])
