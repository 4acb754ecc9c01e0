"""The log files that supervisord writes. On a full disk it drops lines in silence: count them.

supervisord loads this module through its configuration: `[rpcinterface:logs]`.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from supervisor import loggers
from supervisor.loggers import RotatingFileHandler

SUFFIX = ".jsonl"


@dataclass
class LostLines:
    """The lost lines of a process: all, those not reported yet, and when the first of them was."""

    total: int = 0
    unreported: int = 0
    since: float = 0.0

    def add(self, lines: int) -> None:
        """Count lines that were lost now."""
        if not self.unreported:
            self.since = time.time()
        self.unreported += lines
        self.total += lines

    def report(self, process: str) -> bytes:
        """Return the line that reports the lost ones, in the format of our services."""
        first, lost = _timestamp(self.since), self.unreported
        lines = "1 log line was" if lost == 1 else f"{lost} log lines were"
        line = {
            "timestamp": _timestamp(time.time()),
            "level": "WARNING",
            "logger": "supervisord",
            "message": f"{lines} lost since {first}: this file could not be written.",
            "service": process.rpartition("-")[0],
            "instance": process,
            "lost_lines": lost,
            "lost_since": first,
        }
        return json.dumps(line).encode() + b"\n"


def _timestamp(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class LineFileHandler(RotatingFileHandler):  # type: ignore[misc]
    """Writes what a process prints to its file; counts and reports the lines that do not fit."""

    def __init__(self, lost: LostLines, filename: str, *options: Any) -> None:
        super().__init__(filename, *options)
        self._lost = lost
        self._process = Path(filename).name.removesuffix(SUFFIX)
        # The last byte in the file is within a line; the next data begin within a lost line.
        self._is_incomplete = self._is_cut = False

    def emit(self, record: Any) -> None:
        """Write the data of a record, which begin and end anywhere in a line."""
        data: bytes = record.msg
        if self._is_cut:
            _, newline, data = data.partition(b"\n")
            self._is_cut = not newline
        if not data:
            return
        rest = data
        if not self._lost.unreported or self._report():
            rest = self._write(data)
        if rest:
            self._is_cut = not rest.endswith(b"\n")
            self._lost.add(rest.count(b"\n") + self._is_cut)
        else:
            with suppress(OSError):  # the next write opens the file again
                self.doRollover()

    def _report(self) -> bool:
        newline = b"\n" if self._is_incomplete else b""
        if self._write(newline + self._lost.report(self._process)):
            return False
        self._lost.unreported = 0
        return True

    def _write(self, data: bytes) -> bytes:
        """Write data; return the part that does not fit."""
        with suppress(OSError):
            if self.stream.closed:
                self.reopen()
            while data:
                # A buffer would keep a part for later, and what was lost would be unknown.
                written = self.stream.raw.write(data)
                self._is_incomplete = data[written - 1 : written] != b"\n"
                data = data[written:]
        return data


class LogInterface:
    """The methods that supervisord offers as `logs.*`."""

    def __init__(self) -> None:
        # By process: a count outlives the restart of its process.
        self._lost: dict[str, LostLines] = defaultdict(LostLines)

    def lost(self) -> dict[str, float]:
        """Return the number of lost lines of each process that was started."""
        # XML-RPC has no integers above 32 bits.
        return {process: float(lost.total) for process, lost in self._lost.items()}

    def _open(self, filename: str, *options: Any) -> RotatingFileHandler:
        if not filename.endswith(SUFFIX):  # supervisord's own, and what a program repeats on stderr
            return RotatingFileHandler(filename, *options)
        lost = self._lost[Path(filename).name.removesuffix(SUFFIX)]
        return LineFileHandler(lost, filename, *options)


def make_interface(_supervisord: object) -> LogInterface:
    """Return the interface, and write the files of all processes that start from now on."""
    interface = LogInterface()
    loggers.RotatingFileHandler = interface._open
    return interface
