"""What supervisord cannot write is counted by line, and reported in the file later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from supervisor import loggers

from alertdrill.runtimes.native.supervisord_logs import LogInterface, make_interface

DATA = b"a\nbb\nccc\n"


class Disk:
    """A disk with room for a number of bytes, in place of the handler's file."""

    closed = False

    def __init__(self, room: float) -> None:
        self.room = room
        self.content = b""
        self.raw = self

    def write(self, data: bytes) -> int:
        written = data[: int(min(self.room, len(data)))]
        if data and not written:
            raise OSError(28, "No space left on device")
        self.room -= len(written)
        self.content += written
        return len(written)

    def tell(self) -> int:
        return len(self.content)

    def close(self) -> None:
        """Stay open."""


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> LogInterface:
    monkeypatch.setattr(loggers, "RotatingFileHandler", loggers.RotatingFileHandler)
    return make_interface(None)


def open_log(file: Path, max_bytes: int = 10**6) -> loggers.Logger:
    """Return the log of a process as supervisord opens it."""
    log = loggers.getLogger()
    loggers.handle_file(log, str(file), "%(message)s", True, max_bytes, 5)
    return log


@pytest.fixture
def log(interface: LogInterface, tmp_path: Path) -> Iterator[loggers.Logger]:
    log = open_log(tmp_path / "web-1.jsonl")
    yield log
    log.close()


def put_on(disk: Disk, log: loggers.Logger) -> Disk:
    """Replace the file of a log by a disk."""
    (handler,) = log.handlers
    handler.stream.close()
    handler.stream = disk
    return disk


def chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", range(1, len(DATA) + 1))
@pytest.mark.parametrize("room", range(len(DATA) + 1))
def test_each_line_is_written_or_counted(
    interface: LogInterface, log: loggers.Logger, room: int, size: int
) -> None:
    disk = put_on(Disk(room), log)
    for chunk in chunks(DATA, size):
        log.info(chunk)
    lost = DATA[room:].count(b"\n")
    assert interface.lost() == {"web-1": lost}
    disk.room = float("inf")
    log.info(b"after\n")
    *before, after = disk.content.splitlines()
    assert after == b"after"
    assert before[: 3 - lost] == DATA.splitlines()[: 3 - lost]
    if lost:
        report = json.loads(before[-1])
        assert report["lost_lines"] == lost
        assert report["message"].endswith("this file could not be written.")
    assert interface.lost() == {"web-1": lost}


def test_report_has_the_fields_of_a_log_line(log: loggers.Logger) -> None:
    disk = put_on(Disk(0), log)
    log.info(b"lost\n")
    disk.room = float("inf")
    log.info(b"after\n")
    report: dict[str, Any] = json.loads(disk.content.splitlines()[0])
    assert report["message"].startswith(f"1 log line was lost since {report['lost_since']}: ")
    assert (report["level"], report["logger"]) == ("WARNING", "supervisord")
    assert (report["service"], report["instance"]) == ("web", "web-1")
    assert report["timestamp"] >= report["lost_since"]


def test_report_that_does_not_fit_is_repeated(interface: LogInterface, log: loggers.Logger) -> None:
    disk = put_on(Disk(0), log)
    log.info(b"lost\n")
    disk.room = 20
    log.info(b"lost as well\n")
    disk.room = float("inf")
    log.info(b"after\n")
    fragment, report, after = disk.content.splitlines()
    assert (len(fragment), after) == (20, b"after")
    assert json.loads(report)["lost_lines"] == 2
    assert interface.lost() == {"web-1": 2}


def test_rest_of_a_lost_line_is_not_written(interface: LogInterface, log: loggers.Logger) -> None:
    disk = put_on(Disk(0), log)
    log.info(b"the beginning of a line ")
    disk.room = float("inf")
    log.info(b"and its end\nafter\n")
    report, after = disk.content.splitlines()
    assert (json.loads(report)["lost_lines"], after) == (1, b"after")
    assert interface.lost() == {"web-1": 1}


def test_full_disk_is_noticed_by_the_real_file(interface: LogInterface, tmp_path: Path) -> None:
    file = tmp_path / "web-1.jsonl"
    log = open_log(file)
    descriptor = log.handlers[0].stream.fileno()
    for path, line in (("/dev/full", b"lost\n"), (file, b"after\n")):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
        log.info(line)
    log.close()
    report, after = file.read_bytes().splitlines()
    assert json.loads(report)["lost_lines"] == 1
    assert after == b"after"


def test_count_outlives_the_process_and_its_log_is_rotated(
    interface: LogInterface, tmp_path: Path
) -> None:
    file = tmp_path / "web-1.jsonl"
    first = open_log(file)
    put_on(Disk(0), first)
    first.info(b"lost\n")
    second = open_log(file, max_bytes=200)
    for _ in range(3):
        second.info(b"x" * 150 + b"\n")
    second.close()
    assert interface.lost() == {"web-1": 1}
    lines = [line for path in sorted(tmp_path.iterdir()) for line in path.read_bytes().splitlines()]
    assert sum(b"lost_lines" in line for line in lines) == 1
    assert sum(line == b"x" * 150 for line in lines) == 3
    assert (tmp_path / "web-1.jsonl.1").exists()


def test_other_files_are_written_as_before(interface: LogInterface, tmp_path: Path) -> None:
    log = open_log(tmp_path / "lb-1.stderr.log")
    log.info(b"text\n")
    log.close()
    assert (tmp_path / "lb-1.stderr.log").read_bytes() == b"text\n"
    assert interface.lost() == {}
