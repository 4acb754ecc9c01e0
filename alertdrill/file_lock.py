"""One process at a time: a lock on a file, which the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alertdrill.errors import AlertdrillError

POLL_INTERVAL_S = 0.1


class LockedError(AlertdrillError):
    """Another process holds a lock; the message says which, and what to do."""


@contextmanager
def file_lock(
    file: Path, busy: str = "", timeout: float = 0.0, on_wait: Callable[[], None] = lambda: None
) -> Iterator[int]:
    """Hold the lock of a folder, or of a file, which is created if it is missing; yield its handle.

    While another process holds it, call `on_wait` once and wait up to `timeout` seconds, then
    raise `LockedError` with the text `busy`. Raise `OSError` if the file can't be opened.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # Open for reading: processes of different users lock the same file, and any creates it.
    lock = os.open(file, os.O_RDONLY if file.is_dir() else os.O_CREAT | os.O_RDONLY, 0o644)
    try:
        deadline, waits = time.monotonic() + timeout, False
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() >= deadline:
                raise LockedError(busy)
            if not waits:
                on_wait()
            waits = True
            time.sleep(POLL_INTERVAL_S)
        yield lock
    finally:
        os.close(lock)
