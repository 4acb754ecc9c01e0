"""`alertdrill doctor`: check whether this machine can run the stack, with advice."""

from __future__ import annotations

import re
import shutil
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
from ..toolchain.commands import CommandError, find_command, run
from ..toolchain.find import find_local
from ..toolchain.programs import PROGRAMS, format_version
from .console import output, printable, timed

# Images or fetched programs, and a day of samples and logs.
MIN_FREE_DISK = 5 * 2**30
# The whole stack takes about 1 GiB under normal load; drills of the host's memory need room above.
MIN_FREE_MEMORY = 2 * 2**30
# The first one with `include`, which docker-compose.yml has.
MIN_COMPOSE = (2, 20)
# A running engine responds at once.
TIMEOUT_S = 5.0
LOOPBACK = "127.0.0.1"

State = Literal["ok", "warning", "problem"]
SIGNS = {"ok": ("●", "green"), "warning": ("▲", "yellow"), "problem": ("✗", "bold red")}


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
    width = max(len(check.name) for check in results)
    for check in results:
        name = printable(check.name).ljust(width)
        line = Text.assemble(SIGNS[check.state], f" {name}  {printable(check.detail)}")
        output.print(line, soft_wrap=True)
        if check.advice:  # on a line of its own, so that it can be copied
            output.print(Text(" " * (width + 4) + printable(check.advice)), soft_wrap=True)
    sys.exit(1 if any(check.state == "problem" for check in results) else 0)


def checks(settings: StackSettings) -> Sequence[Check]:
    """Check everything that the stack needs from this machine; change nothing."""
    engine = _engine()
    native = settings.runtime == "native" or (settings.runtime == "auto" and engine.state != "ok")
    if native and engine.state == "problem":
        engine = Check("docker", "warning", engine.detail, "Needed only for RUNTIME=compose.")
    hint = path_hint()
    command = Check("command", "warning", "not on the PATH", hint)
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    disk, memory = shutil.disk_usage(folder).free, psutil.virtual_memory().available
    return [
        Check("python", "ok", sys.version.split()[0]),
        command if hint else Check("command", "ok", "on the PATH"),
        engine,
        Check("runtime", "ok", "native (plain processes)" if native else "compose (containers)"),
        *(_programs(settings) if native else ()),
        *_ports(settings, native=native),
        _free("disk", disk, MIN_FREE_DISK, f"free at {folder}", "Free 5 GiB."),
        _free("memory", memory, MIN_FREE_MEMORY, "available", "The stack needs 2 GiB."),
    ]


def path_hint() -> str:
    """Return how to put the command on the PATH; empty if it is there."""
    own = Path(sys.executable).with_name("alertdrill")
    on_path = shutil.which("alertdrill")
    if on_path and Path(on_path).resolve() == own.resolve():
        return ""
    return f'To type `alertdrill` alone, run: export PATH="{own.parent}:$PATH"'


def _engine() -> Check:
    detail, advice = "not installed", "Install Docker with its Compose plugin"
    try:
        if find_command("docker"):
            detail, advice = (
                "the engine does not respond",
                "Start the engine and let your user reach it",
            )
            form = ("--format", "{{.Server.Version}}")
            version = run("docker", "version", *form, timeout=TIMEOUT_S).strip()
            plugin = "Install the Compose plugin (docker-compose-plugin)"
            detail, advice = f"{version}, without Compose", plugin
            compose = run("docker", "compose", "version", "--short", timeout=TIMEOUT_S).strip()
            detail, advice = f"{version}, Compose {compose}", "Update Compose to 2.20 or newer"
            if tuple(map(int, re.findall(r"\d+", compose)[:2])) >= MIN_COMPOSE:
                return Check("docker", "ok", detail)
    except CommandError:
        pass
    return Check("docker", "problem", detail, f"{advice}, or set RUNTIME=native.")


def _programs(settings: StackSettings) -> Iterator[Check]:
    local = find_local(PROGRAMS, settings.cache or default_cache())
    for program in PROGRAMS:
        missing = f"not installed; it {program.why}"
        if resolved := local.get(program.name):
            origin = "on the PATH" if resolved.origin == "path" else "in the cache"
            yield Check(program.name, "ok", f"{format_version(resolved.version)}, {origin}")
        elif not program.package:
            yield Check(program.name, "warning", missing, f"Optional: {program.otherwise}.")
        elif find_command("apt-get"):
            yield Check(program.name, "ok", f"{missing}. `make up` fetches it.")
        else:
            advice = f"Install {program} and put it on the PATH."
            yield Check(program.name, "problem", missing, advice)


def _ports(settings: StackSettings, *, native: bool) -> Sequence[Check]:
    """Check that each port is free, unless the stack itself runs."""
    names = [name for name in vars(settings.ports) if name not in ("instances", "locust")]
    taken = []
    try:
        if select_running_stack(settings, lambda _: None).status():
            return [Check("ports", "ok", "the stack is up")]
    except AlertdrillError as error:
        taken.append(Check("ports", "problem", str(error)))
    wanted = []
    for name in names if native else PUBLISHED:
        address = settings.lb_address if name == "lb" else LOOPBACK
        wanted.append({(address, getattr(settings.ports, name)): f"{name.upper()}_PORT"})
    if native:  # together: one is enough to choose other ports for all of them
        instances = settings.ports.of_instances()
        wanted.append({(LOOPBACK, port): "INSTANCES_PORT" for port in instances})
    for ports in wanted:
        try:
            port_check.check(ports)
        except AlertdrillError as error:
            taken.append(Check("port", "problem", str(error)))
    return taken or [Check("ports", "ok", "all are free")]


def _free(name: str, size: int, minimum: int, what: str, advice: str) -> Check:
    detail = f"{size / 2**30:.1f} GiB {what}"
    return Check(name, "ok", detail) if size >= minimum else Check(name, "warning", detail, advice)
