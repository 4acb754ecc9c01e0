"""Loki and the collector alone, with a folder of log files: they start in seconds."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from alertdrill.clients import http
from alertdrill.clients.loki import Loki, LokiLine
from alertdrill.config.settings import Ports, StackSettings
from alertdrill.runtimes.native import configs
from alertdrill.runtimes.native.layout import Layout
from alertdrill.runtimes.native.plan import Plan, Process
from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS
from tests.e2e.stack import free_ports, poll_until

DAY = 24 * 3600 * 10**9
# A sample in the exposition format: name, labels, value.
SAMPLE = re.compile(r"^([a-z_:]+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class LogPipeline:
    """Loki and the collector as the native runtime starts them, below `home`."""

    def __init__(self, home: Path, flags: Sequence[str] = ()) -> None:
        layout = Layout(home)
        layout.make()
        for name in ("loki/rules/fake", "loki/overrides.yml"):
            configs.install(layout, name, 1)
        ports = {name.lower().removesuffix("_port"): int(at) for name, at in free_ports().items()}
        specs = [program for program in PROGRAMS if program.name in ("loki", "otelcol")]
        programs = resolve_programs(specs, default_cache(), lambda _: None).programs
        self.layout = layout
        plan = Plan(StackSettings(home, ports=Ports(**ports)), layout, programs)
        self.files = layout.logs
        self.loki = plan.component("loki")
        self.collector = plan.component("collector")
        self.flags = tuple(flags)
        self.store = Loki(f"http://{self.loki.address}")
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start Loki and the collector, and wait until they are ready."""
        self.start_loki()
        self.start_collector()

    def start_loki(self, *flags: str) -> None:
        """Start Loki, with flags of its own beside the pipeline's."""
        command = [*self.loki.command, *self.flags, *flags]
        self._start(replace(self.loki, command=command))

    def start_collector(self, **environment: str) -> None:
        """Start the collector."""
        merged = {**self.collector.environment, **environment}
        self._start(replace(self.collector, environment=merged))

    def _start(self, process: Process) -> None:
        with (self.layout.home / f"{process.name}.log").open("ab") as log:
            started = subprocess.Popen(
                process.command,
                cwd=process.directory,
                env={**os.environ, **process.environment},
                stdout=log,
                stderr=log,
            )
        self._running[process.service] = started
        poll_until(
            lambda: http.is_ready(process.ready, 1.0) or started.poll() is not None,
            process.name,
            60,
        )
        assert started.poll() is None, self.log(process.service)

    def stop(self, service: str, signal_number: int = signal.SIGTERM) -> None:
        """Stop Loki or the collector and wait until it has exited."""
        process = self._running.pop(service)
        process.send_signal(signal_number)
        process.wait(60)

    def close(self) -> None:
        """Kill the processes that run."""
        for service in list(self._running):
            self.stop(service, signal.SIGKILL)

    def running(self, service: str) -> bool:
        """Return whether Loki or the collector runs."""
        return self._running[service].poll() is None

    def pid(self, service: str) -> int:
        """Return the process id of Loki or the collector."""
        return self._running[service].pid

    def log(self, service: str) -> str:
        """Return the log of Loki or the collector."""
        return (self.layout.home / f"{service}-1.log").read_text(errors="replace")

    def write(self, name: str, content: bytes) -> None:
        """Append to a log file."""
        with (self.files / name).open("ab") as file:
            file.write(content)

    def find(self, logql: str, days: int = 1, limit: int = 5000) -> list[LokiLine]:
        """Return the lines of the last days, and of the next hour."""
        now = time.time_ns()
        return self.store.last(logql, (now - days * DAY, now + DAY // 24), limit)

    def await_lines(self, logql: str, count: int, days: int = 1) -> list[LokiLine]:
        """Return the lines that a query selects, once it selects `count` lines."""
        poll_until(lambda: len(self.find(logql, days)) >= count, f"{count} of {logql}", 30)
        return self.find(logql, days)

    def metric(self, service: str, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels."""
        process = {"loki": self.loki, "collector": self.collector}[service]
        text = requests.get(f"http://{process.address}/metrics", timeout=5).text
        return sum(value for of, value in samples(text, name) if labels.items() <= of.items())


def samples(text: str, name: str) -> list[tuple[Mapping[str, str], float]]:
    """Return the labels and values of a metric in a page of metrics."""
    return [
        (dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value))
        for metric, labels, value in SAMPLE.findall(text)
        if metric == name
    ]


def contract(**fields: Any) -> dict[str, Any]:
    """Return a line of the log contract with the current time and these fields."""
    now = time.time()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
    line = {"timestamp": moment, "level": "INFO", "logger": "test", "message": "a line"}
    source = {"service": "web", "instance": "web-1", "version": "1"}
    context = {"trace_id": None, "span_id": None, "request_id": None}
    return {**line, **source, **context, **fields}


def line(**fields: Any) -> bytes:
    """Return the bytes of such a line as a program writes it."""
    return json.dumps(contract(**fields), ensure_ascii=False).encode() + b"\n"


def records(tag: str, content: bytes) -> bytes:
    """Return the records of Docker's json-file driver for a program's output: 16 KiB each."""
    written = []
    for text in content.splitlines(keepends=True):
        for begin in range(0, len(text), 16 * 1024):
            piece = text[begin : begin + 16 * 1024].decode(errors="replace")
            second, rest = divmod(time.time_ns(), 10**9)
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{rest:09}Z"
            record = {"log": piece, "stream": "stdout", "attrs": {"tag": tag}, "time": moment}
            written.append(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    return b"".join(written)
