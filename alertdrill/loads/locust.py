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
from .plan import Plan
from .run import Make, Size

LOCUSTFILE = "loadtests/locustfile.py"
# One process makes this many requests a second on half a core, and has room left.
USERS_A_PROCESS = 300
# Where the container leaves its page.
PAGE = "/reports/locust.html"
MASTER, WORKER = "locust-master", "locust-worker"


def native(settings: StackSettings, runtime: Runtime, host: str | None = None) -> Make:
    """Return what makes a load from this host."""

    def make(plan: Plan, size: Size, page: Path) -> str:
        where = host or runtime.addresses()["Services"]
        processes = 1 + (size.users - 1) // USERS_A_PROCESS
        more = ["--processes", str(processes)] if processes > 1 else []
        command = [sys.executable, *words(where.rstrip("/"), size, str(page)), *more]
        environment = {
            **os.environ,
            **_of(plan),
            "LOCUST_METRICS_PORT": str(settings.ports.locust),
        }
        with listed(Layout(settings.home / "native"), f"127.0.0.1:{settings.ports.locust}"):
            return _output(command, environment, page.with_suffix(".log"))

    return make


@contextmanager
def listed(layout: Layout, address: str) -> Iterator[None]:
    """Have Prometheus scrape Locust's numbers at an address meanwhile."""
    write_load_target(layout, address)
    try:
        yield
    finally:
        write_load_target(layout, None)


def compose(settings: StackSettings, host: str | None = None) -> Make:
    """Return what makes a load from inside, so that it works on any host."""

    def make(plan: Plan, size: Size, page: Path) -> str:
        project, where = ComposeProject(settings), host or NetworkEndpoints(settings).address("lb")
        _refuse_another(project)
        project.cli = project.cli.with_variables(**_of(plan))
        name, workers = f"{settings.project}-load-run", _workers(project)
        command = project.cli.command_line(
            # Workers and Prometheus find it by its name on the services' network.
            *("run", "--name", name, "--no-deps", "--no-TTY", "--use-aliases"),
            *("--volume", f"{settings.project}_reports:/reports", MASTER),
            *("python", *words(where, size, PAGE), "--master", "--expect-workers", str(workers)),
            profiles=["load"],
        )
        _end(project, name)  # of a run that was cut off
        try:
            up = ("up", "--detach", "--no-deps", "--no-build", "--pull", "never", WORKER)
            project.cli.run(*up, profiles=["load"])
            printed = _output(command, project.cli.environment(), page.with_suffix(".log"))
            project.cli.docker("cp", "--quiet", f"{name}:{PAGE}", str(page))
            return printed
        finally:
            _end(project, name)

    return make


def _refuse_another(project: ComposeProject) -> None:
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


def _end(project: ComposeProject, name: str) -> None:
    """End the containers of a load; harmless where there are none."""
    with contextlib.suppress(EngineError):
        project.cli.docker("rm", "--force", name)
    with contextlib.suppress(EngineError):
        project.cli.run("rm", "--stop", "--force", WORKER, profiles=["load"])


def _of(plan: Plan) -> Mapping[str, str]:
    """Return the variables that tell Locust of a plan."""
    return {"LOAD_SHAPE": plan.name, "LOAD_WARMUP": f"{plan.warmup:g}"}


def words(host: str, size: Size, page: str) -> list[str]:
    """Return Python's arguments that have Locust make a load and print its numbers as JSON."""
    return [
        *("-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary", "--json"),
        *("--host", host, "--users", str(size.users), "--run-time", f"{size.seconds:.0f}s"),
        # The verdict is ours: a failed request is no failed run.
        *("--html", page, "--exit-code-on-error", "0", "--loglevel", "WARNING"),
    ]


def _output(command: Sequence[str], environment: Mapping[str, str], log: Path) -> str:
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
