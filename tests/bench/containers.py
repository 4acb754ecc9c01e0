"""The stack in containers: seconds to start, and memory when idle and under steady load."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from alertdrill.config import ROOT
from alertdrill.config.settings import StackSettings, current
from alertdrill.runtimes.compose.project import ComposeProject
from alertdrill.runtimes.compose.runtime import ComposeRuntime
from alertdrill.runtimes.select import has_compose
from alertdrill.timescale.ephemeral_stack_settings import free_ports
from tests.e2e.traffic import locust_clients

# Long enough for the first scrapes and rule evaluations, and for all clients to connect.
SETTLE_S = 20.0
# A short interval of health checks, so that the seconds are exact.
HEALTH_INTERVAL = "500ms"
MIB = 2**20


def table() -> Table | str:
    """Start an ephemeral stack and measure it; return the reason if that is impossible."""
    if not has_compose():
        return "SKIPPED: Docker Compose is not installed, so the containers were not measured."
    with tempfile.TemporaryDirectory() as home:
        settings = _settings(Path(home))
        project = ComposeProject(settings)
        with _up(settings, project) as seconds:
            started = _start_seconds(project)
            time.sleep(SETTLE_S)
            idle = _memory(project)
            with locust_clients(f"http://127.0.0.1:{settings.ports.lb}"):
                time.sleep(SETTLE_S)
                loaded = _memory(project)
    return _render(started, (idle, loaded), seconds)


def _settings(home: Path) -> StackSettings:
    return replace(current(), home=home, ports=free_ports(), project="alertdrill-bench")


@contextmanager
def _up(settings: StackSettings, project: ComposeProject) -> Iterator[float]:
    runtime = ComposeRuntime(settings)
    runtime.up(lambda _: None)  # the images are there then
    runtime.down(lambda _: None)
    services = project.model()["services"]
    healthcheck = {"healthcheck": {"interval": HEALTH_INTERVAL, "timeout": "3s", "retries": 60}}
    overlay = settings.home / "healthcheck.yml"
    names = [name for name in services if name != "init-config"]
    overlay.write_text(json.dumps({"services": dict.fromkeys(names, healthcheck)}))
    project = project.resolve()
    command = project.command_line("up", "--detach", "--wait", "--pull", "never")
    position = command.index("up")
    command = [*command[:position], "--file", str(overlay), *command[position:]]
    start = time.monotonic()
    try:
        subprocess.run(
            command, env=project.environment(), check=True, capture_output=True, cwd=ROOT
        )
        yield time.monotonic() - start
    finally:
        project.run("down", "--volumes", "--remove-orphans", profiles=["*"])


def _start_seconds(project: ComposeProject) -> Mapping[str, float]:
    """Return the seconds of each container from its start to its first successful health check."""
    seconds = {}
    for container in project.engine.running():
        state = project.engine.inspect(container.name)["State"]
        healthy_times = [log["End"] for log in state["Health"]["Log"] if log["ExitCode"] == 0]
        seconds[container.instance] = _timestamp(healthy_times[0]) - _timestamp(state["StartedAt"])
    return seconds


def _timestamp(text: str) -> float:
    seconds, _, fraction = text.partition(".")
    zone = "+00:00" if fraction.endswith("Z") else fraction[-6:]
    return datetime.fromisoformat(f"{seconds}.{fraction[:6]}{zone}").timestamp()


def _memory(project: ComposeProject) -> Mapping[str, float]:
    """Return the resident MiB of each container, without cached files."""
    memory = {}
    for container in project.engine.running():
        path = f"/containers/{container.name}/stats"
        stats: dict[str, Any] = project.engine.get(path, {"stream": 0, "one-shot": 1})
        statistics = stats["memory_stats"]["stats"]
        # Its names in the two versions of control groups.
        memory[container.instance] = statistics.get("anon", statistics.get("rss", 0)) / MIB
    return memory


def _render(
    started: Mapping[str, float],
    memory: tuple[Mapping[str, float], Mapping[str, float]],
    seconds: float,
) -> Table:
    idle, loaded = memory
    output = Table("Container", "Start", "Idle", "Steady load", "Ratio", box=None, pad_edge=False)
    for name in sorted(started):
        output.add_row(
            name,
            f"{started[name]:.1f} s",
            f"{idle[name]:.1f} MiB",
            f"{loaded[name]:.1f} MiB",
            f"{loaded[name] / idle[name]:.2f}",
        )
    before, after = sum(idle.values()), sum(loaded.values())
    output.add_row(
        "total",
        f"{seconds:.1f} s",
        f"{before:.0f} MiB",
        f"{after:.0f} MiB",
        f"{after / before:.2f}",
    )
    return output
