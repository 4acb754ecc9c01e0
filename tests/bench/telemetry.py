"""The cost of the instrumentation: the same application and server, with and without it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
from rich.table import Table

from tests.bench import http_load
from tests.unit.telemetry.instance import free_port, poll_until

PATH = "/items/7"
CONNECTIONS, THREADS = 8, 4
# Interleaved, so that a busy moment of the machine affects all sides; odd, so that the median is
# a measurement.
ROUNDS, ROUND_S, WARMUP_S = 11, 1.5, 0.5


@dataclass(frozen=True)
class Side:
    """An application under gunicorn's gthread worker with THREADS threads, or under granian.

    Its output goes to a pipe with a reader, as under Docker or supervisord, or to a file.
    """

    application: str
    granian_threads: int | None = None
    to_file: bool = False


SIDES = {
    "bare Flask": Side("bare"),
    "alertdrill_telemetry": Side("ours"),
    "alertdrill_telemetry, log to a file": Side("ours", to_file=True),
    "prometheus-flask-exporter, JSON log": Side("exporter"),
    "OpenTelemetry": Side("opentelemetry"),
    "alertdrill_telemetry, granian with 4 threads": Side("ours", 4),
    "alertdrill_telemetry, granian with 1 thread": Side("ours", 1),
}


@dataclass(frozen=True)
class Server:
    """A server of one application: its port and its processes."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that its processes have used."""
        times = [p.cpu_times() for p in (self.process, *self.process.children(recursive=True))]
        return sum(item.user + item.system for item in times)


@dataclass(frozen=True)
class Measurement:
    """One round of one application: requests/s, CPU seconds a request and the 99th percentile."""

    rate: float
    cpu: float
    p99: float


def table() -> Table:
    """Measure all applications on their servers."""
    rounds = [_round() for _ in range(ROUNDS)]
    result = Table(
        "gunicorn gthread with 4 threads, 8 connections",
        *("Requests/s", "Of bare Flask", "CPU a request", "p99"),
        box=None,
        pad_edge=False,
    )
    for name in SIDES:
        result.add_row(name, *_row([(results[name], results["bare Flask"]) for results in rounds]))
    return result


def _round() -> dict[str, Measurement]:
    """Start all servers and measure them in turn.

    Each round has new processes, since two of the same program can differ by a tenth.
    """
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_serve(side)) for name, side in SIDES.items()}
        for server in servers.values():
            _measure(server, WARMUP_S)
        return {name: _measure(server, ROUND_S) for name, server in servers.items()}


def _row(pairs: list[tuple[Measurement, Measurement]]) -> Iterator[str]:
    ratios = sorted(own.rate / bare.rate for own, bare in pairs)
    yield f"{statistics.median(own.rate for own, _ in pairs):,.0f}"
    yield f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    yield f"{statistics.median(own.cpu for own, _ in pairs) * 1e6:.0f} µs"
    yield f"{statistics.median(own.p99 for own, _ in pairs) * 1e3:.1f} ms"


def _measure(server: Server, seconds: float) -> Measurement:
    before = server.cpu_seconds()
    load = http_load.run(server.port, PATH, connections=CONNECTIONS, seconds=seconds)
    used = server.cpu_seconds() - before
    return Measurement(load.rate, used / len(load.durations), load.percentile(0.99))


@contextmanager
def _serve(side: Side) -> Iterator[Server]:
    port = free_port()
    target = f"tests.bench.telemetry_apps:{side.application}()"
    environment = os.environ | {"FAULTS_ENABLED": "0", "LOG_LEVEL": "INFO"}
    if side.granian_threads is None:
        options = ("--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "75")
        command = ["gunicorn", *options, "--bind", f"127.0.0.1:{port}", target]
    else:
        command = ["alertdrill_telemetry.granian_server"]
        environment |= {"SERVICE": "bench", "APP": target, "DRAIN_SECONDS": "0"}
        environment |= {"PORT": str(port), "THREADS": str(side.granian_threads)}
    with tempfile.TemporaryFile() as file:
        reader = subprocess.Popen(("cat",), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment,
            stdout=file if side.to_file else reader.stdin,
            stderr=subprocess.STDOUT,
        )
    assert reader.stdin is not None
    reader.stdin.close()
    try:
        poll_until(lambda: _answers(port), f"the server of {target}")
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()
        reader.wait()


def _answers(port: int) -> bool:
    try:
        return bool(http_load.run(port, PATH, connections=1, seconds=0.05).durations)
    except OSError:
        return False
