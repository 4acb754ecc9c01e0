"""Read the log files of instances: their last lines, then what is added, across rotation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from .supervisor import LOG_BACKUPS

# Often enough that a person sees lines as they come.
STEP = 0.2
CHUNK = 65536


def last_lines(file: Path, count: int) -> list[str]:
    """Return the last `count` lines, going back into the rotated files where it takes more."""
    chunks: list[bytes] = []
    ends = 0
    with ExitStack() as opened:
        for chunk in _backwards(_parts(file, opened)):
            chunks.append(chunk)
            ends += chunk.count(b"\n")
            if ends > count:
                break
    # supervisord cuts at a size, not at a line's end: what one file begins, the next may end.
    held = b"".join(reversed(chunks))
    whole = held[: held.rfind(b"\n") + 1]
    return whole.decode(errors="replace").split("\n")[:-1][-count:] if count else []


def _parts(file: Path, opened: ExitStack) -> list[BinaryIO]:
    """Open a log's files, the newest first, each once: one may be rotated meanwhile."""
    found: dict[int, BinaryIO] = {}
    for number in range(LOG_BACKUPS + 1):
        with suppress(FileNotFoundError):
            part = opened.enter_context(_rotated(file, number).open("rb"))
            found.setdefault(os.fstat(part.fileno()).st_ino, part)
    return list(found.values())


def _backwards(parts: Iterable[BinaryIO]) -> Iterator[bytes]:
    for part in parts:
        place = part.seek(0, os.SEEK_END)
        while place > 0:
            step = min(CHUNK, place)
            place -= step
            part.seek(place)
            yield part.read(step)


def _rotated(file: Path, number: int = 1) -> Path:
    return file.with_name(f"{file.name}.{number}") if number else file


def follow(files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Yield (name, line) for every line that is added from now on; ends with its reader."""
    tails = {name: _Tail(file) for name, file in files.items()}
    while True:
        idle = True
        for name, tail in tails.items():
            for line in tail.new_lines():
                idle = False
                yield name, line
        if idle:
            time.sleep(STEP)


class _Tail:
    """One file that may be rotated away or not be there yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._place = file.stat().st_size if file.exists() else 0
        self._inode = file.stat().st_ino if file.exists() else 0
        self._half = b""

    def new_lines(self) -> list[str]:
        if not self._file.exists():
            return []
        found = self._file.stat()
        lines: list[str] = []
        if self._inode and found.st_ino != self._inode:
            lines = self._rest()
            self._place = 0
        self._inode = found.st_ino
        return lines + self._read(self._file)

    def _rest(self) -> list[str]:
        """Return what was added before the rotation; the half line goes on in the new file."""
        rotated = _rotated(self._file)
        if rotated.exists() and rotated.stat().st_ino == self._inode:
            return self._read(rotated)
        self._half = b""  # rotated twice: its end is in a file that was never seen
        return []

    def _read(self, file: Path) -> list[str]:
        if not file.exists():
            return []
        with file.open("rb") as source:
            source.seek(self._place)
            held = self._half + source.read()
            self._place = source.tell()
        *whole, self._half = held.split(b"\n")
        return [line.decode(errors="replace") for line in whole]
