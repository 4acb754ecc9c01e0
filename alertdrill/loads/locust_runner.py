"""Run Locust, on this host or in containers of the stack."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..runtimes import Runtime
from ..runtimes.compose.endpoints import NetworkEndpoints
from ..runtimes.compose.errors import EngineError
from ..runtimes.compose.project import ComposeProject
from ..runtimes.native.configs import write_load_target
from ..runtimes.native.layout import Layout
from ..settings import ROOT, StackSettings
from .errors import LoadError
from .profile import LoadProfile
from .run import LoadRunner, LoadSize

LOCUSTFILE = "loadtests/locustfile.py"
# One process makes this many requests a second on half a core, and has room left.
USERS_PER_PROCESS = 300
# Where the container leaves its page.
REPORT_PATH = "/reports/locust.html"
MASTER, WORKER = "locust-master", "locust-worker"


def native_runner(settings: StackSettings, runtime: Runtime, host: str | None = None) -> LoadRunner:
    """Return what makes a load from this host."""

    def make(plan: LoadProfile, size: LoadSize, page: Path) -> str:
        where = host or runtime.addresses()["Services"]
        processes = 1 + (size.users - 1) // USERS_PER_PROCESS
        more = ["--processes", str(processes)] if processes > 1 else []
        command = [sys.executable, *locust_arguments(where.rstrip("/"), size, str(page)), *more]
        environment = {
            **os.environ,
            **_environment(plan),
            "LOCUST_METRICS_PORT": str(settings.ports.locust),
        }
        with scraped_by_prometheus(
            Layout(settings.home / "native"), f"127.0.0.1:{settings.ports.locust}"
        ):
            return _run_locust(command, environment, page.with_suffix(".log"))

    return make


@contextmanager
def scraped_by_prometheus(layout: Layout, address: str) -> Iterator[None]:
    """Have Prometheus scrape Locust's numbers at an address meanwhile."""
    write_load_target(layout, address)
    try:
        yield
    finally:
        write_load_target(layout, None)


def compose_runner(settings: StackSettings, host: str | None = None) -> LoadRunner:
    """Return what makes a load from inside, so that it works on any host."""

    def make(plan: LoadProfile, size: LoadSize, page: Path) -> str:
        project, where = ComposeProject(settings), host or NetworkEndpoints(settings).address("lb")
        _require_no_locust(project)
        project.cli = project.cli.with_variables(**_environment(plan))
        name, workers = f"{settings.project}-load-run", _workers(project)
        command = project.cli.command_line(
            # Workers and Prometheus find it by its name on the services' network.
            *("run", "--name", name, "--no-deps", "--no-TTY", "--use-aliases"),
            *("--volume", f"{settings.project}_reports:/reports", MASTER),
            *(
                "python",
                *locust_arguments(where, size, REPORT_PATH),
                "--master",
                "--expect-workers",
                str(workers),
            ),
            profiles=["load"],
        )
        _remove_containers(project, name)  # of a run that was cut off
        try:
            up = ("up", "--detach", "--no-deps", "--no-build", "--pull", "never", WORKER)
            project.cli.run(*up, profiles=["load"])
            printed = _run_locust(command, project.cli.environment(), page.with_suffix(".log"))
            project.cli.docker("cp", "--quiet", f"{name}:{REPORT_PATH}", str(page))
            return printed
        finally:
            _remove_containers(project, name)

    return make


def _require_no_locust(project: ComposeProject) -> None:
    if any(one.service == MASTER for one in project.engine.running()):
        raise LoadError(
            "Locust's page runs, and makes loads of its own:"
            " end it with `docker compose --profile load rm --stop --force"
            f" {MASTER} {WORKER}`."
        )


def _workers(project: ComposeProject) -> int:
    """Return how many workers docker-compose.yml starts."""
    model = project.cli.model(profiles=["load"])
    return int(model["services"][WORKER]["deploy"]["replicas"])


def _remove_containers(project: ComposeProject, name: str) -> None:
    """End the containers of a load; harmless where there are none."""
    with contextlib.suppress(EngineError):
        project.cli.docker("rm", "--force", name)
    with contextlib.suppress(EngineError):
        project.cli.run("rm", "--stop", "--force", WORKER, profiles=["load"])


def _environment(plan: LoadProfile) -> Mapping[str, str]:
    """Return the variables that tell Locust of a plan."""
    return {"LOAD_SHAPE": plan.name, "LOAD_WARMUP": f"{plan.warmup:g}"}


def locust_arguments(host: str, size: LoadSize, page: str) -> list[str]:
    """Return Python's arguments that have Locust make a load and print its numbers as JSON."""
    return [
        *("-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--json"),
        *("--host", host, "--users", str(size.users), "--run-time", f"{size.seconds:.0f}s"),
        # The verdict is ours: a failed request is no failed run.
        *("--html", page, "--exit-code-on-error", "0", "--loglevel", "WARNING"),
    ]


def _run_locust(command: Sequence[str], environment: Mapping[str, str], log: Path) -> str:
    """Return what Locust prints; what it says goes into `log`, beside its page.

    However this ends, Locust and all that it has started end too.
    """
    with (
        log.open("wb") as said,
        subprocess.Popen(  # noqa: S603 - our own interpreter, or docker itself
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: of one that it ends, nothing is judged
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
