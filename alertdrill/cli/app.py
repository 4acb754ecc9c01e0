"""The command line: `alertdrill up|down|status|logs|scale` and what acts on single instances."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.console import Console

from .. import VERSION, console, logql_check, settings
from ..errors import AlertdrillError
from ..runtimes import Runtime, has_compose, select_runtime
from .audit import audit
from .build_collector import build_collector
from .drill import drill, false_alarms_command
from .images import images
from .load import load
from .logs import logs

# Progress goes to stderr, so that stdout holds the answer alone.
progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)


class Group(click.Group):
    """Commands whose known errors are one sentence and exit code 1, without a stack."""

    def invoke(self, context: click.Context) -> object:
        """Run a command; say what is wrong and what to do."""
        try:
            return super().invoke(context)
        except AlertdrillError as error:
            progress.print(f"[bold red]✗[/] {console.escape(str(error))}")
            context.exit(1)


@click.group(cls=Group)
@click.version_option(VERSION, prog_name="alertdrill")
def main() -> None:
    """Run an observability stack in which every alert is proven."""


def _runtime() -> Runtime:
    return select_runtime(settings.current(), _say)


def _say(text: str) -> None:
    progress.print(f"[dim]·[/] {console.escape(text)}")


@contextmanager
def _timed(doing: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner with the last thing that happened, and a line for each."""
    begun = time.monotonic()
    with progress.status(doing) as status:

        def on_progress(text: str) -> None:
            _say(text)
            status.update(f"{doing} ({time.monotonic() - begun:.0f} s)")

        yield on_progress


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the addresses and instances as JSON.")
def up(as_json: bool) -> None:
    """Start the stack, or what of it does not run."""
    begun = time.monotonic()
    runtime = _runtime()
    with _timed("starting") as on_progress:
        missing = runtime.up(on_progress)
    seconds = time.monotonic() - begun
    instances = runtime.status()
    if as_json:
        _print_json(
            {
                "runtime": runtime.name,
                "addresses": dict(runtime.addresses()),
                "instances": [instance.as_dict() for instance in instances],
                "missing": list(missing),
                "seconds": round(seconds, 1),
            }
        )
        return
    for sentence in missing:
        progress.print(f"[yellow]![/] {console.escape(sentence)}")
    output.print(console.address_table(runtime.addresses()))
    output.print(console.instance_table(instances))
    output.print(f"Up in {seconds:.1f} s ({runtime.name}). Stop it with `make down`.")


@main.command()
def check() -> None:
    """Check every configuration with its program's own checker; start nothing."""
    current = settings.current()
    with _timed("checking") as on_progress:
        # One set of configurations for every runtime; the native one has their checkers.
        select_runtime(replace(current, runtime="native"), on_progress).check(on_progress)
        logql_check.check(current, on_progress)
        if has_compose():
            select_runtime(replace(current, runtime="compose"), on_progress).check(on_progress)
        else:
            on_progress(
                "SKIPPED: docker-compose.yml was not checked, for Docker Compose is not here."
            )
    output.print("Every configuration is valid.")


@main.command()
def down() -> None:
    """End every process of the stack, also after a crash."""
    runtime = _runtime()
    with _timed("stopping") as on_progress:
        runtime.down(on_progress)
    output.print("Down.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show every instance; exit 1 unless all that should serve do."""
    runtime = _runtime()
    instances = runtime.status()
    if as_json:
        _print_json([instance.as_dict() for instance in instances])
    elif not instances:
        output.print("The stack is down: start it with `make up`.")
    else:
        output.print(console.address_table(runtime.addresses()))
        output.print(console.instance_table(instances))
    healthy = instances and all(found.state in ("ready", "standby") for found in instances)
    sys.exit(0 if healthy else 1)


@main.command()
@click.argument("wanted", metavar="SERVICE=COUNT", nargs=-1, required=True)
def scale(wanted: Sequence[str]) -> None:
    """Have so many instances of a service serve, as in `scale web=3`."""
    scales = [_scale(item) for item in wanted]  # all of them, before anything is touched
    runtime = _runtime()
    for service, count in scales:
        with _timed(f"scaling {service}") as on_progress:
            runtime.scale(service, count, on_progress)


def _scale(item: str) -> tuple[str, int]:
    # More digits than nine are no count, and Python would refuse to read some.
    match = re.fullmatch(r"([^=]+)=([0-9]{1,9})", item)
    if match is None:
        raise AlertdrillError(f"{item!r} is no scale: write SERVICE=COUNT, as in web=3.")
    return match[1], int(match[2])


def _action(name: str, says: str) -> None:
    """Add a command that does one thing to one target."""

    @main.command(name=name, help=says)
    @click.argument("target")
    def act(target: str) -> None:
        runtime = _runtime()
        with _timed(f"{name} {target}"):
            getattr(runtime, name)(target)
        output.print(f"{name} {target}: done.")


_action("start", "Start an instance, or all of a service, that was stopped.")
_action("stop", "Stop gracefully; alerts will tell of it until it is started again.")
_action("restart", "Restart gracefully, one instance after the other.")
_action("kill", "End at once with SIGKILL; its supervisor starts it again.")
_action("pause", "Freeze with SIGSTOP, as if it hung.")
_action("resume", "Let a paused instance go on.")


main.add_command(drill)
main.add_command(audit)
main.add_command(false_alarms_command)
main.add_command(images)
main.add_command(load)
main.add_command(build_collector)
main.add_command(logs)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
