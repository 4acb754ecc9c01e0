"""The cost of log lines through the collector and Loki, compared with `tail -F` into a counter."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.table import Table

from tests.e2e.log_pipeline import LogPipeline, line
from tests.e2e.optional_programs import COLLECTOR, LOKI
from tests.e2e.stack import poll_until

# Enough lines that the start of a batch or a poll does not matter.
COUNT = 20_000
# One every tenth of a second; 99 of them are below the p99.
SINGLES = 100
INTERVAL_S = 0.1
# Also on a busy machine.
TIMEOUT_S = 180.0
MIB = 2**20
RECEIVED = "loki_distributor_lines_received_total"


@dataclass(frozen=True)
class Cost:
    """Lines a second with all delivered; seconds of CPU and MiB for 10,000; seconds of delay."""

    rate: float
    cpu: float
    memory: float
    median: float
    p99: float


def table() -> Table | str:
    """Measure both; return the reason if that is impossible."""
    if not (COLLECTOR and LOKI):
        return "SKIPPED: loki and otelcol are not on the PATH, so carrying lines was not measured."
    with tempfile.TemporaryDirectory() as folder:
        ours, floor = _carried(Path(folder) / "ours"), _tailed(Path(folder) / "tail.jsonl")
    return _render(ours, floor)


def _carried(home: Path) -> Cost:
    pipeline = LogPipeline(home)
    try:
        pipeline.start()
        collector, file = psutil.Process(pipeline.pid("collector")), pipeline.files / "web-1.jsonl"
        lines = _lines([f"bulk {number}" for number in range(COUNT)])
        cpu, begun = _cpu(collector), time.monotonic()
        _append(file, lines)
        poll_until(lambda: pipeline.metric("loki", RECEIVED) >= COUNT, "all lines", TIMEOUT_S)
        seconds = time.monotonic() - begun
        cpu, memory = _cpu(collector) - cpu, collector.memory_info().rss / MIB
        return Cost(COUNT / seconds, cpu / COUNT * 10_000, memory, *_delays(pipeline, file))
    finally:
        pipeline.close()


def _delays(pipeline: LogPipeline, file: Path) -> tuple[float, float]:
    """Write lines one by one, and query for each until it arrives."""
    written: dict[str, float] = {}
    arrived: dict[str, float] = {}
    begun = time.monotonic()
    while len(arrived) < SINGLES and time.monotonic() < begun + TIMEOUT_S:
        if time.monotonic() > begun + len(written) * INTERVAL_S and len(written) < SINGLES:
            message = f"single {len(written)}"
            written[message] = time.monotonic()
            _append(file, _lines([message]))
        for entry in pipeline.find('{service="web"} |= "single"', limit=SINGLES):
            arrived.setdefault(entry.message, time.monotonic())
    return _spread([arrived[message] - written[message] for message in arrived])


def _tailed(file: Path) -> Cost:
    file.touch()
    with subprocess.Popen(["tail", "-F", "-n", "+1", file], stdout=subprocess.PIPE) as process:
        assert process.stdout
        sink, tail = process.stdout.fileno(), psutil.Process(process.pid)
        lines = _lines([f"bulk {number}" for number in range(COUNT)])
        cpu, begun = _cpu(tail), time.monotonic()
        _append(file, lines)
        counting = time.thread_time()
        _count(sink, COUNT)
        seconds = time.monotonic() - begun
        cpu = _cpu(tail) - cpu + time.thread_time() - counting
        memory = tail.memory_info().rss / MIB
        delays = []
        for number in range(SINGLES):
            single = _lines([f"single {number}"])
            written = time.monotonic()
            _append(file, single)
            _count(sink, 1)
            delays.append(time.monotonic() - written)
        process.kill()
    return Cost(COUNT / seconds, cpu / COUNT * 10_000, memory, *_spread(delays))


def _lines(messages: Sequence[str]) -> bytes:
    return b"".join(line(message=message) for message in messages)


def _append(file: Path, lines: bytes) -> None:
    with file.open("ab") as log:
        log.write(lines)


def _count(sink: int, lines: int) -> None:
    """Read until `count` lines have arrived."""
    while lines > 0:
        lines -= os.read(sink, 65536).count(b"\n")


def _cpu(process: psutil.Process) -> float:
    taken = process.cpu_times()
    return float(taken.user + taken.system)


def _spread(delays: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return statistics.median(delays), statistics.quantiles(delays, n=100)[98]


def _render(ours: Cost, floor: Cost) -> Table:
    shown = Table(f"{COUNT:,} log lines", "Collector", "tail -F", "Ratio", box=None, pad_edge=False)
    rows = {
        "lines a second, all delivered": ("rate", "{:,.0f}", 1.0),
        "CPU seconds for 10,000 lines": ("cpu", "{:.3f} s", 1.0),
        "resident memory after them": ("memory", "{:.1f} MiB", 1.0),
        "from written to searchable, median": ("median", "{:.1f} ms", 1000.0),
        "from written to searchable, p99": ("p99", "{:.1f} ms", 1000.0),
    }
    for title, (name, form, unit) in rows.items():
        mine, theirs = getattr(ours, name) * unit, getattr(floor, name) * unit
        shown.add_row(title, form.format(mine), form.format(theirs), f"{mine / theirs:,.3g}")
    return shown
