"""Read the log files of instances: their last lines, then what is added, across rotation."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from .supervisor import LOG_BACKUPS

# Often enough that a person sees lines as they come.
POLL_INTERVAL_S = 0.2
CHUNK = 65536
# From so many lines on it is cheaper to read all of a file than to go back in it.
READ_ALL_THRESHOLD = 10_000


def read_last_lines(file: Path, count: int | None) -> list[str]:
    """Return the last `count` lines, going back into rotated files where it takes more."""
    return list(_Tail(file).kept(count))


def read_all_lines(file: Path) -> Iterator[str]:
    """Yield every line that is kept, rotated files included, oldest first."""
    return _Tail(file).kept(None)


def follow(files: Mapping[str, Path], count: int | None) -> Iterator[Iterable[tuple[str, str]]]:
    """Yield (name, line) of the last `count` lines of each, or of all, then of each that is added.

    They come in groups, of which the first must be read before the next; one may be empty, so that
    its reader has a turn. It ends with its reader.
    """
    tails = {name: _Tail(file) for name, file in files.items()}
    yield ((name, line) for name, tail in tails.items() for line in tail.kept(count))
    while True:
        added = [(name, line) for name, tail in tails.items() for line in tail.new_lines()]
        if not added:
            time.sleep(POLL_INTERVAL_S)
        yield added


class _Tail:
    """One file that may be rotated away or not be there yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._inode = 0
        self._partial_line = b""

    def kept(self, count: int | None) -> Iterator[str]:
        """Yield the last lines that are there; the new ones are those after them."""
        with ExitStack() as stack:
            parts = _opened(self._file, stack)
            if not parts:
                return
            if count is None or count >= READ_ALL_THRESHOLD:
                yield from deque(self._forward(parts), count) if count else self._forward(parts)
            else:
                yield from self._backward(parts, count)

    def _forward(self, parts: Sequence[BinaryIO]) -> Iterator[str]:
        partial_line = b""
        for part in reversed(parts):
            offset = 0
            # supervisord cuts at a size, not at a line's end: what one begins, the next may end.
            for piece in part:
                offset += len(piece)
                partial_line += piece
                if piece.endswith(b"\n"):
                    yield _text(partial_line[:-1])
                    partial_line = b""
            self._inode, self._offset = os.fstat(part.fileno()).st_ino, offset
        self._partial_line = partial_line

    def _backward(self, parts: Sequence[BinaryIO], count: int) -> list[str]:
        held = b""
        for part in parts:
            end = part.seek(0, os.SEEK_END)
            if part is parts[0]:
                self._inode, self._offset = os.fstat(part.fileno()).st_ino, end
            held = _read_backwards(held, part, end, count)
        *whole, self._partial_line = held.split(b"\n")
        return [_text(line) for line in whole[-count:]] if count else []

    def new_lines(self) -> list[str]:
        """Return what was added since."""
        if not self._file.exists():
            return []
        found = self._file.stat()
        lines: list[str] = []
        if self._inode and found.st_ino != self._inode:
            lines = self._rest()
            self._offset = 0
        self._inode = found.st_ino
        return lines + self._read(self._file)

    def _rest(self) -> list[str]:
        """Return what was added before the rotation; a partial line goes on in the new file."""
        rotated = self._file.with_name(self._file.name + ".1")
        if rotated.exists() and rotated.stat().st_ino == self._inode:
            return self._read(rotated)
        self._partial_line = b""  # rotated twice: its end is in a file that was never seen
        return []

    def _read(self, file: Path) -> list[str]:
        if not file.exists():
            return []
        with file.open("rb") as source:
            source.seek(self._offset)
            held = self._partial_line + source.read()
            self._offset = source.tell()
        *whole, self._partial_line = held.split(b"\n")
        return [_text(line) for line in whole]


def _opened(file: Path, stack: ExitStack) -> list[BinaryIO]:
    """Open a log and its rotated parts, newest first: then no rotation meanwhile hides one."""
    parts: dict[int, BinaryIO] = {}
    for suffix in ("", *(f".{number}" for number in range(1, LOG_BACKUPS + 1))):
        try:
            part = stack.enter_context(file.with_name(file.name + suffix).open("rb"))
        except FileNotFoundError:
            continue
        # One that was rotated just now has been opened under its former name.
        parts.setdefault(os.fstat(part.fileno()).st_ino, part)
    return list(parts.values())


def _read_backwards(held: bytes, part: BinaryIO, end: int, count: int) -> bytes:
    """Put what a part ends with before what is held, until that has `count` whole lines."""
    offset = end
    while offset > 0 and held.count(b"\n") <= count:
        step = min(CHUNK, offset)
        offset -= step
        part.seek(offset)
        held = part.read(step) + held
    return held


def _text(line: bytes) -> str:
    return line.decode(errors="replace")
