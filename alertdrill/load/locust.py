"""Run Locust, on this host or in containers of the stack, and parse its statistics."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import ROOT
from ..config.settings import StackSettings
from ..runtimes.base import RunningStack
from ..runtimes.compose.endpoints import network_url
from ..runtimes.compose.project import ComposeProject
from ..runtimes.errors import EngineError
from ..runtimes.native.configs import write_load_target
from ..runtimes.native.layout import Layout
from .profile import LoadError, LoadProfile, LoadSize

MS = 1000.0


@dataclass(frozen=True)
class RequestStats:
    """Requests, failures and `p95` in seconds; None without responses."""

    requests: int
    failures: int
    p95: float | None

    @property
    def errors(self) -> float:
        """Return the ratio of failed requests; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0


@dataclass(frozen=True)
class LocustStats:
    """Locust's statistics: in all, by (method, name), and by second since 1970."""

    total: RequestStats
    requests: Mapping[tuple[str, str], RequestStats]
    rate: Mapping[int, int]
    failures: Mapping[int, int]


def parse_stats(text: str) -> LocustStats:
    """Parse the JSON; raise `LoadError` if it is not Locust's."""
    try:
        # The master's document has the sum of its workers.
        entries = max(
            _documents(text), key=lambda items: sum(item["num_requests"] for item in items)
        )
        return LocustStats(
            _numbers(entries),
            {(entry["method"], entry["name"]): _numbers([entry]) for entry in entries},
            _by_second(entries, "num_reqs_per_sec"),
            _by_second(entries, "num_fail_per_sec"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LoadError("Locust printed no statistics: see its log.") from error


def _documents(text: str) -> Iterator[list[Mapping[str, Any]]]:
    """Yield every JSON document in a text; each Locust process prints one."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].strip()


def percentile(times: Mapping[float, int], share: float) -> float | None:
    """Return a percentile of response times (nearest rank)."""
    left = share * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 0:
            return time
    return None


def _numbers(entries: Sequence[Mapping[str, Any]]) -> RequestStats:
    times: Counter[float] = Counter()
    for entry in entries:
        times.update({float(at) / MS: count for at, count in entry["response_times"].items()})
    return RequestStats(
        sum(entry["num_requests"] for entry in entries),
        sum(entry["num_failures"] for entry in entries),
        percentile(times, 0.95),
    )


def _by_second(entries: Sequence[Mapping[str, Any]], field: str) -> Mapping[int, int]:
    counts: Counter[int] = Counter()
    for entry in entries:
        counts.update({int(at): count for at, count in entry[field].items()})
    return dict(sorted(counts.items()))


LOCUSTFILE = "loadtests/locustfile.py"
# One process sends this many requests per second with half a core.
USERS_PER_PROCESS = 300
# Locust's report in the container.
REPORT_PATH = "/reports/locust.html"
MASTER, WORKER = "locust-master", "locust-worker"

# Runs a load of a profile and size, writes Locust's report to a file, and returns its JSON.
LoadRunner = Callable[[LoadProfile, LoadSize, Path], str]


def native_runner(
    settings: StackSettings, runtime: RunningStack, host: str | None = None
) -> LoadRunner:
    """Return the runner of loads on this host."""

    def run_load(profile: LoadProfile, size: LoadSize, page: Path) -> str:
        url = host or runtime.addresses()["Services"]
        command = [sys.executable, *locust_arguments(url.rstrip("/"), size, str(page))]
        processes = 1 + (size.users - 1) // USERS_PER_PROCESS
        if processes > 1:
            command += ["--processes", str(processes)]
        port, layout = settings.ports.locust, Layout(settings.home / "native")
        environment = {
            **os.environ,
            **_environment(profile),
            "LOCUST_METRICS_PORT": str(port),
        }
        write_load_target(layout, f"127.0.0.1:{port}")  # Prometheus scrapes it during the load
        try:
            return _run_locust(command, environment, page.with_suffix(".log"))
        finally:
            write_load_target(layout, None)

    return run_load


def compose_runner(settings: StackSettings, host: str | None = None) -> LoadRunner:
    """Return the runner of loads in containers, which works on any host."""

    def run_load(profile: LoadProfile, size: LoadSize, page: Path) -> str:
        project = ComposeProject(settings).with_variables(_environment(profile))
        url = host or network_url(settings.project, "lb")
        _require_no_locust(project)
        name, workers = f"{settings.project}-load-run", _workers(project)
        command = project.command_line(
            # Workers and Prometheus resolve its name on the services' network.
            *("run", "--name", name, "--no-deps", "--no-TTY", "--use-aliases"),
            *("--volume", f"{settings.project}_reports:/reports", MASTER),
            *("python", *locust_arguments(url, size, REPORT_PATH)),
            *("--master", "--expect-workers", str(workers)),
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


def _require_no_locust(project: ComposeProject) -> None:
    if any(container.service == MASTER for container in project.engine.running()):
        raise LoadError(
            "Locust's web interface runs and may generate load:"
            " end it with `docker compose --profile load rm --stop --force"
            f" {MASTER} {WORKER}`."
        )


def _workers(project: ComposeProject) -> int:
    """Return the number of workers in docker-compose.yml."""
    model = project.model(profiles=["load"])
    return int(model["services"][WORKER]["deploy"]["replicas"])


def _remove_containers(project: ComposeProject, name: str) -> None:
    """Remove the containers of a load, if any."""
    with contextlib.suppress(EngineError):
        project.docker("rm", "--force", name)
    with contextlib.suppress(EngineError):
        project.run("rm", "--stop", "--force", WORKER, profiles=["load"])


def _environment(profile: LoadProfile) -> Mapping[str, str]:
    """Return the environment variables of a profile."""
    return {"LOAD_SHAPE": profile.name, "LOAD_WARMUP": f"{profile.warmup:g}"}


def locust_arguments(host: str, size: LoadSize, page: str) -> list[str]:
    """Return the Python arguments that run Locust and print its statistics as JSON."""
    return [
        *("-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--json"),
        *("--host", host, "--users", str(size.users), "--run-time", f"{size.seconds:.0f}s"),
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
