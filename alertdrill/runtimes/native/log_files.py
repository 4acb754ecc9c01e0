"""Read the log files of instances: the last lines, then new lines, across rotation."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from .supervisor import LOG_BACKUPS

# Short enough that lines appear as they are written.
POLL_INTERVAL_S = 0.2
CHUNK = 65536
# From this number of lines on, reading forward is cheaper than reading backwards.
READ_ALL_THRESHOLD = 10_000


def read_last_lines(file: Path, count: int | None) -> list[str]:
    """Return the last `count` lines, from rotated files too if needed."""
    return list(_Tail(file).read_existing(count))


def read_all_lines(file: Path) -> Iterator[str]:
    """Yield every line, rotated files included, oldest first."""
    return _Tail(file).read_existing(None)


def follow(files: Mapping[str, Path], count: int | None) -> Iterator[Iterable[tuple[str, str]]]:
    """Yield batches of (name, line): the last `count` lines of each file, or all, then new lines.

    Read the first batch before you ask for the next. A batch may be empty, which gives the reader
    a turn. The iterator ends only when its reader stops.
    """
    tails = {name: _Tail(file) for name, file in files.items()}
    yield ((name, line) for name, tail in tails.items() for line in tail.read_existing(count))
    while True:
        added = [(name, line) for name, tail in tails.items() for line in tail.new_lines()]
        if not added:
            time.sleep(POLL_INTERVAL_S)
        yield added


class _Tail:
    """One file, which may be rotated or not exist yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._inode = 0
        self._partial_line = b""

    def read_existing(self, count: int | None) -> Iterator[str]:
        """Yield the last lines that exist; `new_lines` continues after them."""
        with ExitStack() as stack:
            files = _open_all(self._file, stack)
            if not files:
                return
            if count is None or count >= READ_ALL_THRESHOLD:
                yield from (
                    deque(self._read_forward(files), count) if count else self._read_forward(files)
                )
            else:
                yield from self._read_backward(files, count)

    def _read_forward(self, files: Sequence[BinaryIO]) -> Iterator[str]:
        partial_line = b""
        for file in reversed(files):
            offset = 0
            # supervisord rotates at a size, not at the end of a line, so a line may span two files.
            for chunk in file:
                offset += len(chunk)
                partial_line += chunk
                if chunk.endswith(b"\n"):
                    yield _decode(partial_line[:-1])
                    partial_line = b""
            self._inode, self._offset = os.fstat(file.fileno()).st_ino, offset
        self._partial_line = partial_line

    def _read_backward(self, files: Sequence[BinaryIO], count: int) -> list[str]:
        data = b""
        for file in files:
            end = file.seek(0, os.SEEK_END)
            if file is files[0]:
                self._inode, self._offset = os.fstat(file.fileno()).st_ino, end
            data = _prepend_lines(data, file, end, count)
        *complete, self._partial_line = data.split(b"\n")
        return [_decode(line) for line in complete[-count:]] if count else []

    def new_lines(self) -> list[str]:
        """Return the lines that were added since."""
        if not self._file.exists():
            return []
        status = self._file.stat()
        lines: list[str] = []
        if self._inode and status.st_ino != self._inode:
            lines = self._read_rotated()
            self._offset = 0
        self._inode = status.st_ino
        return lines + self._read(self._file)

    def _read_rotated(self) -> list[str]:
        """Return the lines added before the rotation; a partial line continues in the new file."""
        rotated = self._file.with_name(self._file.name + ".1")
        if rotated.exists() and rotated.stat().st_ino == self._inode:
            return self._read(rotated)
        self._partial_line = b""  # rotated twice: its end is in a file that was never read
        return []

    def _read(self, file: Path) -> list[str]:
        if not file.exists():
            return []
        with file.open("rb") as source:
            source.seek(self._offset)
            data = self._partial_line + source.read()
            self._offset = source.tell()
        *complete, self._partial_line = data.split(b"\n")
        return [_decode(line) for line in complete]


def _open_all(file: Path, stack: ExitStack) -> list[BinaryIO]:
    """Open a log and its rotated files, newest first, so that a rotation meanwhile hides none."""
    files: dict[int, BinaryIO] = {}
    for suffix in ("", *(f".{number}" for number in range(1, LOG_BACKUPS + 1))):
        try:
            opened = stack.enter_context(file.with_name(file.name + suffix).open("rb"))
        except FileNotFoundError:
            continue
        # A file that was just rotated is already open under its former name.
        files.setdefault(os.fstat(opened.fileno()).st_ino, opened)
    return list(files.values())


def _prepend_lines(data: bytes, file: BinaryIO, end: int, count: int) -> bytes:
    """Prepend the end of a file to `data` until it has `count` complete lines."""
    offset = end
    while offset > 0 and data.count(b"\n") <= count:
        step = min(CHUNK, offset)
        offset -= step
        file.seek(offset)
        data = file.read(step) + data
    return data


def _decode(line: bytes) -> str:
    return line.decode(errors="replace")
