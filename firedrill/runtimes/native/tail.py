"""Read the log files of instances: their last lines, then what is added, across rotation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

# Often enough that a person sees lines as they come.
STEP = 0.2
CHUNK = 65536


def last_lines(file: Path, count: int) -> list[str]:
    """Return the last `count` lines, going back into the rotated file where it takes more."""
    held = b""
    # supervisord cuts at a size, not at a line's end: what one file begins, the next may end.
    for part in (file, _rotated(file)):
        if held.count(b"\n") <= count and part.exists():
            held = _with_what_is_before(held, part, count)
    whole = held[: held.rfind(b"\n") + 1]
    return whole.decode(errors="replace").split("\n")[:-1][-count:] if count else []


def _rotated(file: Path) -> Path:
    return file.with_name(file.name + ".1")


def _with_what_is_before(held: bytes, file: Path, count: int) -> bytes:
    with file.open("rb") as source:
        place = source.seek(0, os.SEEK_END)
        while place > 0 and held.count(b"\n") <= count:
            step = min(CHUNK, place)
            place -= step
            source.seek(place)
            held = source.read(step) + held
    return held


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
