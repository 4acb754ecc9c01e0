"""Read the log files of instances: the last lines, then new lines, across rotation."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from .supervisor import LOG_BACKUPS

# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2


def follow(files: Mapping[str, Path], count: int | None) -> Iterator[Iterable[tuple[str, str]]]:
    """Yield batches of (name, line): the last `count` lines of each file, or all, then new lines.

    The last lines are of rotated files too if needed, oldest first. Read the first batch before
    you ask for the next. A batch may be empty, which gives the reader a turn. The iterator ends
    only when its reader stops.
    """
    tails = {name: _Tail(file) for name, file in files.items()}
    yield ((name, line) for name, tail in tails.items() for line in tail.existing_lines(count))
    while True:
        added = [(name, line) for name, tail in tails.items() for line in tail.new_lines()]
        if not added:
            time.sleep(POLL_INTERVAL_S)
        yield added


class _Tail:
    """One file, which may be rotated or not exist yet, and how far it was read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._inode = 0
        self._partial_line = b""

    def existing_lines(self, count: int | None) -> Iterator[str]:
        """Yield the last lines that exist; `new_lines` continues after them."""
        with ExitStack() as stack:
            files = self._open_all(stack)
            newest = files if count is None else _with_lines(files, count)
            lines = (line for file in reversed(newest) for line in self._read(file, 0))
            yield from lines if count is None else deque(lines, count)

    def new_lines(self) -> list[str]:
        """Return the lines that were added since."""
        with suppress(FileNotFoundError), self._file.open("rb") as file:
            if not self._inode or os.fstat(file.fileno()).st_ino == self._inode:
                return self._read(file, self._offset)
            return self._rotated_lines() + self._read(file, 0)
        return []

    def _rotated_lines(self) -> list[str]:
        """Return the lines added before the rotation; a partial line continues in the new file."""
        rotated = self._file.with_name(self._file.name + ".1")
        with suppress(FileNotFoundError), rotated.open("rb") as file:
            if os.fstat(file.fileno()).st_ino == self._inode:
                return self._read(file, self._offset)
        self._partial_line = b""  # rotated twice: its end is in a file that was never read
        return []

    def _read(self, file: BinaryIO, offset: int) -> list[str]:
        """Return the complete lines from an offset on.

        supervisord rotates at a size, not at the end of a line, so a line may span two files.
        """
        file.seek(offset)
        *lines, self._partial_line = (self._partial_line + file.read()).split(b"\n")
        self._inode, self._offset = os.fstat(file.fileno()).st_ino, file.tell()
        return [line.decode(errors="replace") for line in lines]

    def _open_all(self, stack: ExitStack) -> list[BinaryIO]:
        """Open the file and its rotated ones, newest first: a rotation meanwhile hides none."""
        files: dict[int, BinaryIO] = {}
        for suffix in ("", *(f".{number}" for number in range(1, LOG_BACKUPS + 1))):
            path = self._file.with_name(self._file.name + suffix)
            with suppress(FileNotFoundError):
                opened = stack.enter_context(path.open("rb"))
                # A file that was just rotated is already open under its former name.
                files.setdefault(os.fstat(opened.fileno()).st_ino, opened)
        return list(files.values())


def _with_lines(files: list[BinaryIO], count: int) -> list[BinaryIO]:
    """Return the newest files that have `count` complete lines, or all."""
    # One more line end, since the first line may begin in an older file.
    missing = count + 1
    for number, file in enumerate(files, start=1):
        missing -= file.read().count(b"\n")
        if missing <= 0:
            return files[:number]
    return files
