"""`alertdrill doctor`: check whether this machine can run the stack, with advice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import psutil
from rich.text import Text

from ..config import settings as stack_settings
from ..config.settings import StackSettings
from ..errors import AlertdrillError
from ..runtimes import port_check
from ..runtimes.compose.project import PUBLISHED
from ..runtimes.select import select_running_stack
from ..toolchain.cache import default_cache
from ..toolchain.find import find_local
from ..toolchain.programs import PROGRAMS, format_version
from .console import output, printable, timed

# Images or fetched programs, and a day of samples and logs.
MIN_FREE_DISK = 5 * 2**30
# The whole stack takes about 1 GiB under normal load; drills of the host's memory need room above.
MIN_FREE_MEMORY = 2 * 2**30
# A running engine responds at once.
TIMEOUT_S = 5.0


State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. A `problem` prevents the stack from starting."""

    name: str
    state: State
    detail: str
    advice: str = ""


@click.command()
def doctor() -> None:
    """Check that this machine can run the stack.

    Print what is missing, and how to install it. Exit with 1 if the stack can't start.
    """
    with timed("checking"):
        results = checks(stack_settings.current())
    for line in check_lines(results):
        output.print(line, soft_wrap=True)
    sys.exit(1 if any(check.state == "problem" for check in results) else 0)


def check_lines(checks: Sequence[Check]) -> Iterator[Text]:
    """Yield the lines of the checks; advice has its own line, so that it can be copied."""
    signs = {"ok": ("●", "green"), "warning": ("▲", "yellow"), "problem": ("✗", "bold red")}
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        name = printable(check.name).ljust(width)
        yield Text.assemble(signs[check.state], f" {name}  {printable(check.detail)}")
        if check.advice:
            yield Text(" " * (width + 4) + printable(check.advice))


def checks(settings: StackSettings) -> Sequence[Check]:
    """Check everything that the stack needs from this machine; change nothing."""
    engine = _engine()
    native = settings.runtime == "native" or (settings.runtime == "auto" and engine.state != "ok")
    if native and engine.state == "problem":
        engine = Check("docker", "warning", engine.detail, "Needed only for RUNTIME=compose.")
    return [
        Check("python", "ok", sys.version.split()[0]),
        _command(),
        engine,
        Check("runtime", "ok", "native (plain processes)" if native else "compose (containers)"),
        *(_programs(settings) if native else ()),
        *_ports(settings, native=native),
        _disk(settings.home),
        _memory(),
    ]


def path_hint() -> str:
    """Return how to put the command on the PATH; empty if it is there."""
    own = Path(sys.executable).with_name("alertdrill")
    on_path = shutil.which("alertdrill")
    if on_path and Path(on_path).resolve() == own.resolve():
        return ""
    return f'To type `alertdrill` alone, run: export PATH="{own.parent}:$PATH"'


def _command() -> Check:
    hint = path_hint()
    state: State = "warning" if hint else "ok"
    return Check("command", state, "not on the PATH" if hint else "on the PATH", hint)


def _engine() -> Check:
    docker = shutil.which("docker")
    if docker is None:
        advice = "Install Docker with its Compose plugin, or set RUNTIME=native."
        return Check("docker", "problem", "not installed", advice)
    version = _output(docker, "version", "--format", "{{.Server.Version}}")
    if version is None:
        advice = "Start the engine and let your user reach it, or set RUNTIME=native."
        return Check("docker", "problem", "the engine does not respond", advice)
    compose = _output(docker, "compose", "version", "--short")
    if compose is None:
        advice = "Install the Compose plugin (docker-compose-plugin), or set RUNTIME=native."
        return Check("docker", "problem", f"{version}, without Compose", advice)
    return Check("docker", "ok", f"{version}, Compose {compose}")


def _output(*command: str) -> str | None:
    """Return what a command prints; None if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - docker itself, found on the PATH
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _programs(settings: StackSettings) -> Sequence[Check]:
    cache = settings.cache or default_cache()
    local = find_local(PROGRAMS, cache)
    results = []
    for program in PROGRAMS:
        if program.name in local:
            resolved = local[program.name]
            origin = "on the PATH" if resolved.origin == "path" else "in the cache"
            detail = f"{format_version(resolved.version)}, {origin}"
            results.append(Check(program.name, "ok", detail))
        elif program.package:
            detail = f"not installed; it {program.why}"
            if shutil.which("apt-get"):
                results.append(Check(program.name, "ok", f"{detail}. `make up` fetches it."))
            else:
                advice = f"Install {program} and put it on the PATH."
                results.append(Check(program.name, "problem", detail, advice))
        else:
            detail = f"not installed; it {program.why}"
            advice = f"Optional: {program.otherwise}."
            results.append(Check(program.name, "warning", detail, advice))
    return results


def _ports(settings: StackSettings, *, native: bool) -> Sequence[Check]:
    """Check that each port is free, unless the stack itself runs."""
    names = [name for name in vars(settings.ports) if name not in ("instances", "locust")]
    taken = []
    try:
        if select_running_stack(settings, lambda _: None).status():
            return [Check("ports", "ok", "the stack is up")]
    except AlertdrillError as error:
        taken.append(Check("ports", "problem", str(error)))
    for name in names if native else PUBLISHED:
        address = settings.lb_address if name == "lb" else "127.0.0.1"
        try:
            port_check.check({(address, getattr(settings.ports, name)): f"{name.upper()}_PORT"})
        except AlertdrillError as error:
            taken.append(Check("port", "problem", str(error)))
    return taken or [Check("ports", "ok", "all are free")]


def _disk(home: Path) -> Check:
    folder = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_DISK:
        return Check("disk", "warning", f"{_gib(free)} free at {folder}", "Free 5 GiB.")
    return Check("disk", "ok", f"{_gib(free)} free at {folder}")


def _memory() -> Check:
    free = psutil.virtual_memory().available
    if free < MIN_FREE_MEMORY:
        return Check("memory", "warning", f"{_gib(free)} available", "The stack needs 2 GiB.")
    return Check("memory", "ok", f"{_gib(free)} available")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
