"""Lines are whole, and each line that cannot be written is counted and reported."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from alertdrill_telemetry import TelemetrySettings, logs
from alertdrill_telemetry.clock import Clock
from alertdrill_telemetry.line_writer import LineWriter
from alertdrill_telemetry.logs import JsonFormatter, LineHandler
from tests.unit.telemetry.observed import Shop

Lines = Callable[[], list[dict[str, Any]]]
SETTINGS = TelemetrySettings("web", "web-1", "1.2.3")
NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


class Stdout:
    """A file that becomes a full disk and back, with the handler that writes to it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.now = NOW
        self.levels: list[str] = []
        self.lost = 0
        writer = LineWriter(self._descriptor, clock=Clock(real=lambda: self.now))
        self.handler = LineHandler(writer, self.levels.append, self._lose)
        self.handler.setFormatter(JsonFormatter(SETTINGS))

    def _lose(self) -> None:
        self.lost += 1

    def fill(self) -> None:
        self._replace("/dev/full", os.O_WRONLY)

    def free(self) -> None:
        self._replace(str(self._file), os.O_WRONLY | os.O_APPEND)

    def _replace(self, path: str, flags: int) -> None:
        opened = os.open(path, flags)
        os.dup2(opened, self._descriptor)
        os.close(opened)

    def log(self, message: str) -> None:
        self.handler.handle(logging.makeLogRecord({"msg": message, "levelname": "INFO"}))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._file.read_text().splitlines()]

    def messages(self) -> list[str]:
        return [line["message"] for line in self.lines()]

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def stdout(tmp_path: Path) -> Iterator[Stdout]:
    stdout = Stdout(tmp_path / "log")
    yield stdout
    stdout.close()


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """Return a reader and a writer of a pipe that takes 4,096 bytes and then fails."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_closed_reader_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    reader, writer = os.pipe()
    os.close(reader)
    counted: list[str] = []
    handler = LineHandler(LineWriter(writer), counted.append)
    handler.handle(logging.LogRecord("a", logging.INFO, "f.py", 1, "m", (), None))
    os.close(writer)
    assert counted == []


def test_lines_of_threads_do_not_mix() -> None:
    reader, writer = os.pipe()
    lines = LineWriter(writer)
    pieces: list[bytes] = []

    def read() -> None:
        while piece := os.read(reader, 4096):
            pieces.append(piece)
            time.sleep(0.0001)  # so that the pipe is full

    reading = threading.Thread(target=read)
    reading.start()
    long = [bytes([65 + number]) * 10_000 + b"\n" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lines.write, long * 20))
    os.close(writer)
    reading.join()
    os.close(reader)
    assert sorted(b"".join(pieces).splitlines(keepends=True)) == sorted(long * 20)


def test_line_after_an_incomplete_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as stdout:
        lines = LineWriter(stdout.fileno())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
        try:
            assert not lines.write(b"first line\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, ignored)
        assert lines.write(b"second line\n")
    assert file.read_bytes() == b"first\nsecond line\n"


def test_first_line_after_a_full_disk_reports_the_lost_ones(stdout: Stdout) -> None:
    stdout.log("before")
    stdout.fill()
    stdout.log("lost")
    stdout.now += 90
    stdout.log("lost too")
    stdout.free()
    stdout.log("after")
    stdout.log("later")
    before, gap, *rest = stdout.lines()
    assert before["message"] == "before"
    assert gap["message"] == (
        "2 log lines were lost since 2027-01-15T08:00:00.000Z: stdout could not be written."
    )
    assert (gap["level"], gap["logger"]) == ("WARNING", "alertdrill_telemetry")
    assert (gap["lost_lines"], gap["lost_since"]) == (2, "2027-01-15T08:00:00.000Z")
    assert [line["message"] for line in rest] == ["after", "later"]


def test_each_line_is_counted_as_written_or_as_lost(stdout: Stdout) -> None:
    stdout.log("before")
    stdout.fill()
    stdout.log("lost")
    stdout.free()
    stdout.log("after")
    assert stdout.lost == 1
    assert stdout.levels == ["INFO", "WARNING", "INFO"]
    assert len(stdout.lines()) == len(stdout.levels)


def test_each_outage_is_reported_on_its_own(stdout: Stdout) -> None:
    for _ in range(2):
        stdout.fill()
        stdout.log("lost")
        stdout.free()
        stdout.now += 60
        stdout.log("after")
    reports = [message for message in stdout.messages() if message != "after"]
    assert reports == [
        f"1 log line was lost since 2027-01-15T08:0{minute}:00.000Z: stdout could not be written."
        for minute in (0, 1)
    ]


def test_report_that_does_not_fit_is_repeated(full_pipe: tuple[int, int]) -> None:
    reader, descriptor = full_pipe
    levels: list[str] = []
    lost: list[None] = []
    handler = LineHandler(LineWriter(descriptor), levels.append, lambda: lost.append(None))
    handler.setFormatter(JsonFormatter(SETTINGS))
    assert handler.writer.write(b"x" * 4095 + b"\n")
    assert not handler.writer.write(b"lost\n")
    assert os.read(reader, 100)  # room for less than the report
    assert not handler.writer.write(b"lost\n")
    assert (len(lost), levels) == (2, [])
    os.read(reader, 8192)
    assert handler.writer.write(b"after\n")
    rest = os.read(reader, 8192).splitlines()
    assert json.loads(rest[-2])["lost_lines"] == 2
    assert rest[-1] == b"after"
    assert (len(lost), levels) == (2, ["WARNING"])


def test_incomplete_line_is_one_lost_line(full_pipe: tuple[int, int]) -> None:
    reader, descriptor = full_pipe
    lost: list[None] = []
    handler = LineHandler(LineWriter(descriptor), None, lambda: lost.append(None))
    assert not handler.writer.write(b"x" * 5000 + b"\n")
    assert len(lost) == 1
    assert os.read(reader, 8192) == b"x" * 4096
    assert handler.writer.write(b"after\n")
    fragment_end, report, after = os.read(reader, 8192).splitlines()
    assert (fragment_end, after) == (b"", b"after")
    assert b"1 log line was lost since" in report


def test_lost_lines_of_threads_are_counted_exactly(stdout: Stdout) -> None:
    stdout.fill()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stdout.log, ["lost"] * 400))
    stdout.free()
    stdout.log("after")
    report, after = stdout.messages()
    assert report.startswith("400 log lines were lost since ")
    assert (after, stdout.lost) == ("after", 400)


def test_requests_succeed_while_their_lines_are_lost(
    monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def write(*_: object) -> int:
        raise OSError(28, "No space left on device")

    shop = Shop()
    shop.app.add_url_rule("/", view_func=lambda: "fine")
    assert shop.value("log_lines_lost_total") == 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        assert [shop.get("/").status for _ in range(3)] == [200] * 3
        logging.getLogger("mine").error("lost as well")
    assert shop.get("/").status == 200
    assert shop.value("log_lines_lost_total") == 4
    assert (shop.total("200"), shop.value("access_log_lines_total")) == (4, 1)
    assert shop.value("log_records_total", level="WARNING") == 1
    report, access = lines()
    assert (report["lost_lines"], access["logger"]) == (4, "access")


def test_lines_of_workers_after_an_incomplete_one_are_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, full_pipe: tuple[int, int]
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    reader, descriptor = full_pipe
    run_worker(descriptor, b"x" * 5000 + b"\n")
    os.read(reader, 8192)
    run_worker(descriptor, b"of another worker\n")
    _, report, line = os.read(reader, 8192).splitlines()
    assert json.loads(report)["lost_lines"] == 1
    assert line == b"of another worker"


def run_worker(descriptor: int, line: bytes) -> None:
    """Write a line in a worker process, and wait for its end."""
    child = os.fork()
    if not child:
        try:
            writer = logs.configure(SETTINGS).writer
            writer._descriptor = descriptor
            writer.write(line)
        finally:
            os._exit(sys.exc_info()[0] is not None)
    assert os.waitpid(child, 0)[1] == 0
