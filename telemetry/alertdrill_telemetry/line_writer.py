"""Write log lines to stdout, and count those that are lost: on a full disk, or in a closed pipe."""

from __future__ import annotations

import fcntl
import os
import threading
from array import array
from collections.abc import Callable, MutableSequence
from typing import Protocol

from . import shared_counters
from .clock import Clock

# The state of stdout: whether its last line is incomplete, how many lines were lost since one was
# written, and when the first of them was (seconds since 1970).
INCOMPLETE, LOST, SINCE = 0, 1, 2


class LossReporter(Protocol):
    """Counts lost lines, and describes them once lines can be written again."""

    def count_loss(self) -> None:
        """Count a lost line."""

    def describe_gap(self, lost: int, since: float) -> bytes:
        """Return the line that reports lost lines; `since` is in seconds since 1970."""

    def count_gap_line(self) -> None:
        """Count the line that reports lost lines: it is written."""


class LineWriter:
    """Writes each line as a whole: the lines of several threads and workers never mix.

    A line is written before the next one is formatted: a killed process loses no line.
    """

    def __init__(
        self, descriptor: int = 1, lock_file: str | None = None, clock: Clock | None = None
    ) -> None:
        self.reporter: LossReporter | None = None
        # The fault `log_disk_full` replaces the descriptor.
        self.redirect: Callable[[int], int] | None = None
        self._descriptor = descriptor
        self._clock = clock or Clock()
        self._thread_lock = threading.Lock()
        # Another thread may hold it at the moment of a fork.
        reinitialize = self._thread_lock._at_fork_reinit  # type: ignore[attr-defined]
        os.register_at_fork(after_in_child=reinitialize)
        self._lock: int | None = None
        self._state: MutableSequence[float] | memoryview[float] = array("d", [0.0] * 3)
        if lock_file:
            self._lock = os.open(lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._state = shared_counters.STDOUT

    def write(self, line: bytes) -> bool:
        """Write a line; return False if it is lost: a full disk or a closed reader ends nothing.

        Before the first line after lost ones comes a line that reports them.
        """
        # Writes of up to 4096 bytes to a pipe are atomic. Other lines could split a longer one, so
        # threads use a lock, and workers that share stdout another one.
        with self._thread_lock:
            if self._lock is None:
                return self._write_or_count(line)
            try:
                fcntl.lockf(self._lock, fcntl.LOCK_EX)
            except OSError:  # another handler has replaced this one meanwhile
                self._count_loss()
                return False
            try:
                return self._write_or_count(line)
            finally:
                fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _write_or_count(self, line: bytes) -> bool:
        try:
            if self._state[LOST]:
                self._report_gap()
            self._write(line)
        except OSError:
            self._count_loss()
            return False
        return True

    def _report_gap(self) -> None:
        if self.reporter is not None:
            lost, since = int(self._state[LOST]), self._state[SINCE]
            self._write(self.reporter.describe_gap(lost, since))
            self.reporter.count_gap_line()
        self._state[LOST] = 0

    def _count_loss(self) -> None:
        if not self._state[LOST]:
            self._state[SINCE] = self._clock.now()
        self._state[LOST] += 1
        if self.reporter is not None:
            self.reporter.count_loss()

    def _write(self, line: bytes) -> None:
        descriptor = self._descriptor
        if self.redirect is not None:
            descriptor = self.redirect(descriptor)
        if self._state[INCOMPLETE]:  # a full disk, for example, took a part of the line before
            line = b"\n" + line
        while (written := os.write(descriptor, line)) < len(line):
            self._state[INCOMPLETE] = 1
            line = line[written:]
        self._state[INCOMPLETE] = 0

    def close(self) -> None:
        """Close the lock file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
