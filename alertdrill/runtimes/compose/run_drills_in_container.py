"""Run drills in a container on the stack's own networks, and copy their reports to the host."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ...config.settings import StackSettings
from ...timescale.ephemeral_stack_settings import ephemeral_settings
from ..base import ProgressCallback, project_lock
from ..errors import EngineError
from .project import ComposeProject
from .runtime import ComposeRuntime

# The container's folder of reports.
REPORTS_FOLDER = "/reports/drills"
# What makes a folder of it a report: of drills, and of the kill matrix.
REPORTS = ("index.html", "kill-matrix.json")


def run_in_container(
    settings: StackSettings,
    arguments: Sequence[str],
    speed: float | None,
    on_progress: ProgressCallback,
) -> int:
    """Run `alertdrill ARGUMENTS --current-stack` in a container, and return its exit code.

    Without a speed it runs in the current stack; with one, in an ephemeral stack that is removed
    afterwards. What a killed run has left is removed first. The reports are copied to the folder of
    `settings`.
    """
    stack = settings if speed is None else ephemeral_settings(settings, speed)
    runtime = ComposeRuntime(stack)
    if speed is None:
        if not runtime.status():
            raise EngineError(
                "The stack is down: start it with `make up`, or leave out --current-stack."
            )
        return _run_drills(stack, arguments, settings.home / "drills", on_progress)
    ComposeRuntime(settings).remove_leftovers(on_progress)
    with project_lock(stack):
        started = time.monotonic()
        runtime.down(lambda _: None)
        try:
            for sentence in runtime.up(on_progress):
                on_progress(sentence)
            seconds = time.monotonic() - started
            on_progress(f"An ephemeral stack is up at speed {speed:g} ({seconds:.1f} s).")
            return _run_drills(stack, arguments, settings.home / "drills", on_progress)
        finally:
            runtime.down(lambda _: None)


def _run_drills(
    stack: StackSettings, arguments: Sequence[str], home: Path, on_progress: ProgressCallback
) -> int:
    project, name = ComposeProject(stack).resolve(), f"{stack.project}-drills-run"

    def docker(*command: str) -> None:
        with contextlib.suppress(EngineError):  # the container may not exist, or have no reports
            project.docker(*command)

    retention = ("--env", f"PROMETHEUS_RETENTION={stack.retention}")
    ephemeral = ["--ephemeral"] if stack.ephemeral else []
    terminal = [] if sys.stdin.isatty() and sys.stdout.isatty() else ["--no-TTY"]
    docker("rm", "--force", name)  # of an interrupted run
    command = project.command_line(
        *("run", "--name", name, *terminal, *retention, "drills"),
        *("python", "-m", "alertdrill", *arguments, "--current-stack", *ephemeral),
        profiles=["drills"],
    )
    try:
        return _run(command, project.environment(), lambda: docker("stop", name))
    finally:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as copied:
            docker("cp", "--quiet", f"{name}:{REPORTS_FOLDER}/.", copied)
            for page in sorted(Path(copied).glob("*/*")):
                if page.name not in REPORTS:
                    continue
                if not (home / page.parent.name).exists():
                    shutil.move(page.parent, home)
                    report = home / page.parent.name / page.name
                    on_progress(f"The report on this host: {report}")
        docker("rm", "--force", name)
        project.run("rm", "--stop", "--force", "drills-proxy", profiles=["drills"])


def _run(command: Sequence[str], environment: dict[str, str], stop: Callable[[], None]) -> int:
    """Wait for a run. Ctrl-C reaches it too and rolls back; SIGTERM calls `stop`."""
    before = signal.signal(signal.SIGTERM, lambda *_: stop())
    try:
        with subprocess.Popen(  # noqa: S603 - docker itself, our own arguments
            command, env=environment
        ) as process:
            while True:
                with contextlib.suppress(KeyboardInterrupt):
                    return process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
