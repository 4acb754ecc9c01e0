"""Run a command as an instance of a service runs: its Python, environment and folder."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ...config.service import Service
from ..base import last_error, test_command
from ..errors import NotReadyError, UnknownTargetError
from . import tagged_processes
from .plan import Process
from .supervisor import ENVIRONMENT_PASSED_ON

# A migration of a large table takes minutes.
TIMEOUT_S = 600.0
# In the environment of a command that belongs to a stack: its service and its words.
COMMAND_TAG = "ALERTDRILL_COMMAND"
# Those of the instance whose environment a command has: it is none, and listens nowhere.
OF_INSTANCES = ("INSTANCE", "PORT", "OPS_PORT")


def run_to_end(process: Process, command: Sequence[str], log: Path, home: Path) -> None:
    """Run a command beside an instance of a service; write its output into `log`.

    It belongs to the stack at `home`, so that `down` ends it even if this process is killed. Raises
    `NotReadyError` with the reason, also if an earlier one still runs.
    """
    tag = f"{process.service} {shlex.join(command)}"
    for other in tagged_processes.find_processes(str(home)):
        if other.info["environ"].get(COMMAND_TAG) == tag:
            raise NotReadyError(f"`{shlex.join(command)}` still runs (process {other.pid}).")
    tags = {tagged_processes.STACK_TAG: str(home), COMMAND_TAG: tag}
    try:
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603 - of apps/services.yml
                _resolve(process, command),
                cwd=process.directory,
                env={**environment(process), **tags},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as running,
        ):
            code = _wait(running)
    except (OSError, ValueError, UnknownTargetError) as error:
        raise NotReadyError(f"`{shlex.join(command)}` can't be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise NotReadyError(f"{command[0]} did not end within {TIMEOUT_S:g} s.") from error
    if code:
        reason = last_error(log.read_text("utf-8", "replace").splitlines()) or "no output"
        raise NotReadyError(
            f"`{shlex.join(command)}` ended with exit code {code}: {reason.rstrip('.')}"
            f" (see {log})."
        )


def _wait(running: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a command; end it with all that it started if that takes too long."""
    try:
        return running.wait(TIMEOUT_S)
    except BaseException:  # also Ctrl-C
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        raise


def run_in_terminal(process: Process, command: Sequence[str]) -> int:
    """Run a command with this terminal, beside an instance of a service; return its exit code."""
    arguments = _resolve(process, command)
    return subprocess.run(  # noqa: S603 - the user's own command
        arguments, cwd=process.directory, env=environment(process), check=False
    ).returncode


def tests(service: Service) -> Sequence[str]:
    """Return the command that tests a service; raise `UnknownTargetError` if there is none."""
    command = test_command(service, sys.executable)
    if not service.test and not all(map(find_spec, ("pytest", "hypothesis"))):
        raise UnknownTargetError(
            f"The tests of {service.name} need pytest and what is tested with it: run"
            f" `make test T={service.tests}` once, which installs them."
        )
    return command


def environment(process: Process) -> Mapping[str, str]:
    """Return the environment of a command, with the programs of the service's Python first."""
    own = {name: value for name, value in process.environment.items() if name not in OF_INSTANCES}
    passed_on = {name: os.environ[name] for name in ENVIRONMENT_PASSED_ON if name in os.environ}
    return {**passed_on, **own, "PATH": _path(process)}


def _path(process: Process) -> str:
    programs = Path(process.command[0]).parent
    return os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))


def _resolve(process: Process, command: Sequence[str]) -> Sequence[str]:
    # A path is relative to the service's folder.
    named = str(process.directory / command[0]) if "/" in command[0] else command[0]
    program = shutil.which(named, path=_path(process))
    if program is None:
        raise UnknownTargetError(f"{command[0]} is no program of {process.service}.")
    return [program, *command[1:]]
