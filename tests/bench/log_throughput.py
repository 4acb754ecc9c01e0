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
SINGLE_LINES = 100
INTERVAL_S = 0.1
# Also on a busy machine.
TIMEOUT_S = 180.0
MIB = 2**20
RECEIVED = "loki_distributor_lines_received_total"


@dataclass(frozen=True)
class Cost:
    """Lines per second, CPU seconds per 10,000 lines, MiB in memory, and delays in seconds."""

    rate: float
    cpu: float
    memory: float
    median: float
    p99: float


def table() -> Table | str:
    """Measure both; return the reason if that is impossible."""
    if not (COLLECTOR and LOKI):
        return "SKIPPED: loki and otelcol are not on the PATH, so log delivery was not measured."
    with tempfile.TemporaryDirectory() as folder:
        ours, tail = _collector_cost(Path(folder) / "ours"), _tail_cost(Path(folder) / "tail.jsonl")
    return _render(ours, tail)


def _collector_cost(home: Path) -> Cost:
    pipeline = LogPipeline(home)
    try:
        pipeline.start()
        collector, file = psutil.Process(pipeline.pid("collector")), pipeline.files / "web-1.jsonl"
        lines = _lines([f"bulk {number}" for number in range(COUNT)])
        cpu, started = _cpu(collector), time.monotonic()
        _append(file, lines)
        poll_until(lambda: pipeline.metric("loki", RECEIVED) >= COUNT, "all lines", TIMEOUT_S)
        seconds = time.monotonic() - started
        cpu, memory = _cpu(collector) - cpu, collector.memory_info().rss / MIB
        return Cost(COUNT / seconds, cpu / COUNT * 10_000, memory, *_delays(pipeline, file))
    finally:
        pipeline.close()


def _delays(pipeline: LogPipeline, file: Path) -> tuple[float, float]:
    """Write lines one by one, and query for each until it arrives."""
    written: dict[str, float] = {}
    arrived: dict[str, float] = {}
    started = time.monotonic()
    while len(arrived) < SINGLE_LINES and time.monotonic() < started + TIMEOUT_S:
        if time.monotonic() > started + len(written) * INTERVAL_S and len(written) < SINGLE_LINES:
            message = f"single {len(written)}"
            written[message] = time.monotonic()
            _append(file, _lines([message]))
        for entry in pipeline.find('{service="web"} |= "single"', limit=SINGLE_LINES):
            arrived.setdefault(entry.message, time.monotonic())
    return _median_and_p99([arrived[message] - written[message] for message in arrived])


def _tail_cost(file: Path) -> Cost:
    file.touch()
    with subprocess.Popen(["tail", "-F", "-n", "+1", file], stdout=subprocess.PIPE) as process:
        assert process.stdout
        sink, tail = process.stdout.fileno(), psutil.Process(process.pid)
        lines = _lines([f"bulk {number}" for number in range(COUNT)])
        cpu, started = _cpu(tail), time.monotonic()
        _append(file, lines)
        counting = time.thread_time()
        _count(sink, COUNT)
        seconds = time.monotonic() - started
        cpu = _cpu(tail) - cpu + time.thread_time() - counting
        memory = tail.memory_info().rss / MIB
        delays = []
        for number in range(SINGLE_LINES):
            single = _lines([f"single {number}"])
            written = time.monotonic()
            _append(file, single)
            _count(sink, 1)
            delays.append(time.monotonic() - written)
        process.kill()
    return Cost(COUNT / seconds, cpu / COUNT * 10_000, memory, *_median_and_p99(delays))


def _lines(messages: Sequence[str]) -> bytes:
    return b"".join(line(message=message) for message in messages)


def _append(file: Path, lines: bytes) -> None:
    with file.open("ab") as log:
        log.write(lines)


def _count(sink: int, lines: int) -> None:
    """Read until this number of lines has arrived."""
    while lines > 0:
        lines -= os.read(sink, 65536).count(b"\n")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _median_and_p99(delays: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return statistics.median(delays), statistics.quantiles(delays, n=100)[98]


def _render(ours: Cost, tail: Cost) -> Table:
    output = Table(
        f"{COUNT:,} log lines", "Collector", "tail -F", "Ratio", box=None, pad_edge=False
    )
    rows = {
        "lines per second, all delivered": ("rate", "{:,.0f}", 1.0),
        "CPU seconds for 10,000 lines": ("cpu", "{:.3f} s", 1.0),
        "resident memory afterwards": ("memory", "{:.1f} MiB", 1.0),
        "from written to searchable, median": ("median", "{:.1f} ms", 1000.0),
        "from written to searchable, p99": ("p99", "{:.1f} ms", 1000.0),
    }
    for title, (name, text_format, unit) in rows.items():
        value, reference = getattr(ours, name) * unit, getattr(tail, name) * unit
        output.add_row(
            title,
            text_format.format(value),
            text_format.format(reference),
            f"{value / reference:,.3g}",
        )
    return output
