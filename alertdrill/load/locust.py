"""Run Locust, on this host or in containers of the stack, and parse its statistics."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import ROOT
from ..config.settings import StackSettings
from ..runtimes.base import RunningStack
from ..runtimes.compose.containers import network_url
from ..runtimes.compose.project import ComposeProject
from ..runtimes.errors import EngineError
from ..runtimes.native.configs import write_load_target
from ..runtimes.native.layout import Layout
from ..runtimes.native.tagged_processes import STACK_TAG
from .profile import LoadError, LoadProfile
from .result import LocustStats, RequestStats

MS = 1000.0
LOCUSTFILE = "loadtests/locustfile.py"
# One process sends this many requests per second with half a core.
USERS_PER_PROCESS = 300
# Locust's report in the container.
REPORT_PATH = "/reports/locust.html"
MASTER, WORKER = "locust-master", "locust-worker"

# Runs a load, writes Locust's report to a file, and returns its JSON.
LoadRunner = Callable[[LoadProfile, Path], str]


def parse_stats(text: str) -> LocustStats:
    """Parse Locust's JSON; raise `LoadError` if it is something else."""
    try:
        entries = json.loads(text)
        return LocustStats(
            _request_stats(entries),
            {(entry["method"], entry["name"]): _request_stats([entry]) for entry in entries},
            _by_second(entries, "num_reqs_per_sec"),
            _by_second(entries, "num_fail_per_sec"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LoadError("Locust printed no statistics: see its log.") from error


def _request_stats(entries: Sequence[Mapping[str, Any]]) -> RequestStats:
    counts = Counter[float]()
    for entry in entries:
        counts.update({float(at) / MS: count for at, count in entry["response_times"].items()})
    times = sorted(counts.elements())
    return RequestStats(
        sum(entry["num_requests"] for entry in entries),
        sum(entry["num_failures"] for entry in entries),
        times[math.ceil(0.95 * len(times)) - 1] if times else None,  # the nearest rank
    )


def _by_second(entries: Sequence[Mapping[str, Any]], field: str) -> Mapping[int, int]:
    counts = Counter[int]()
    for entry in entries:
        counts.update({int(at): count for at, count in entry[field].items()})
    return dict(sorted(counts.items()))


def native_runner(
    settings: StackSettings, runtime: RunningStack, host: str | None = None
) -> LoadRunner:
    """Return the runner of loads on this host."""

    def run_load(profile: LoadProfile, page: Path) -> str:
        url = host or runtime.addresses()["Services"]
        command = [sys.executable, *_locust_arguments(url.rstrip("/"), profile, str(page))]
        processes = 1 + (profile.users - 1) // USERS_PER_PROCESS
        if processes > 1:
            command += ["--processes", str(processes)]
        port, layout = str(settings.ports.locust), Layout(settings.home / "native")
        # `down` ends it, even if this process is killed.
        tag = {STACK_TAG: str(layout.home), "LOCUST_METRICS_PORT": port}
        environment = {**os.environ, **_variables(profile), **tag}
        write_load_target(layout, f"127.0.0.1:{port}")  # Prometheus scrapes it during the load
        try:
            return _run_locust(command, environment, page.with_suffix(".log"))
        finally:
            write_load_target(layout, None)

    return run_load


def compose_runner(settings: StackSettings, host: str | None = None) -> LoadRunner:
    """Return the runner of loads in containers, which works on any host."""

    def run_load(profile: LoadProfile, page: Path) -> str:
        project = ComposeProject(settings).with_variables(_variables(profile))
        url = host or network_url(settings.project, "lb")
        if any(container.service == MASTER for container in project.engine.running()):
            raise LoadError(
                "Locust's web interface runs and may generate load:"
                " end it with `docker compose --profile load rm --stop --force"
                f" {MASTER} {WORKER}`."
            )
        worker = project.model(profiles=["load"])["services"][WORKER]
        name = f"{settings.project}-load-run"
        command = project.command_line(
            # Workers and Prometheus resolve its name on the services' network.
            *("run", "--name", name, "--no-deps", "--no-TTY", "--use-aliases"),
            *("--volume", f"{settings.project}_reports:/reports", MASTER),
            *("python", *_locust_arguments(url, profile, REPORT_PATH)),
            *("--master", "--expect-workers", str(int(worker["deploy"]["replicas"]))),
            profiles=["load"],
        )
        _remove_containers(project, name)  # from an interrupted run
        try:
            up = ("up", "--detach", "--no-deps", "--no-build", "--pull", "never", WORKER)
            project.run(*up, profiles=["load"])
            printed = _run_locust(command, project.environment(), page.with_suffix(".log"))
            project.docker("cp", "--quiet", f"{name}:{REPORT_PATH}", str(page))
            return printed
        finally:
            _remove_containers(project, name)

    return run_load


def _remove_containers(project: ComposeProject, name: str) -> None:
    """Remove the containers of a load, if any."""
    with contextlib.suppress(EngineError):
        project.docker("rm", "--force", name)
    with contextlib.suppress(EngineError):
        project.run("rm", "--stop", "--force", WORKER, profiles=["load"])


def _variables(profile: LoadProfile) -> Mapping[str, str]:
    return {"LOAD_SHAPE": profile.name, "LOAD_WARMUP": f"{profile.warmup:g}"}


def _locust_arguments(host: str, profile: LoadProfile, page: str) -> list[str]:
    """Return the Python arguments that run Locust and print its statistics as JSON."""
    return [
        *("-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--json"),
        *("--host", host, "--users", str(profile.users), "--run-time", f"{profile.duration:.0f}s"),
        # Our gates decide: a failed request does not fail the run.
        *("--html", page, "--exit-code-on-error", "0", "--loglevel", "WARNING"),
    ]


def _run_locust(command: Sequence[str], environment: Mapping[str, str], log: Path) -> str:
    """Run Locust and return its stdout; stderr goes to `log`, beside its report.

    Locust and its child processes end in any case.
    """
    with (
        log.open("wb") as stderr,
        subprocess.Popen(  # noqa: S603 - our own interpreter, or docker itself
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to handle: an interrupted load has no result
        ) as process,
    ):
        try:
            printed, _ = process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no reason"]
        raise LoadError(f"Locust did not run: {lines[-1].rstrip('.')}.")
    return printed
