"""The root command, and the commands that start, stop and inspect the stack."""

from __future__ import annotations

import errno
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from click.shell_completion import get_completion_class
from rich.console import Console

from .. import VERSION, console, logql_check, settings
from ..doctor import checks, path_hint
from ..errors import AlertdrillError
from ..runtimes import Runtime, has_compose, select_runtime
from .audit import audit
from .build_collector import build_collector
from .drill import drill, false_alarms_command
from .images import images
from .load import load
from .logs import logs

# Progress goes to stderr, so that stdout holds the result alone.
progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)

# A folder of the stack can't be written.
STORAGE_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST),
)


class Group(click.Group):
    """Commands that print an expected error as one sentence and exit with 1."""

    def invoke(self, context: click.Context) -> object:
        """Run a command; print what is wrong and what to do."""
        try:
            return super().invoke(context)
        except AlertdrillError as error:
            progress.print(f"[bold red]✗[/] {console.escape(str(error))}")
            context.exit(1)
        except OSError as error:
            if error.errno not in STORAGE_ERRORS:
                raise
            reason = f"{error.filename or settings.current().home}: {error.strerror}"
            progress.print(
                f"[bold red]✗[/] {console.escape(reason)}. Free space or correct the permissions,"
                " or set ALERTDRILL_HOME to another folder."
            )
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
    """Show a spinner with the latest progress, and print a line for each step."""
    begun = time.monotonic()
    with progress.status(doing) as status:

        def on_progress(text: str) -> None:
            _say(text)
            status.update(f"{doing} ({time.monotonic() - begun:.0f} s)")

        yield on_progress


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the addresses and instances as JSON.")
def up(as_json: bool) -> None:
    """Start the stack, or the components that are not running."""
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
    if hint := path_hint():
        output.print(hint, soft_wrap=True)


@main.command()
def check() -> None:
    """Check every configuration file.

    Each file is checked by the program that reads it. The stack itself is not started.
    """
    current = settings.current()
    with _timed("checking") as on_progress:
        # All runtimes use the same configurations; the native runtime checks them.
        select_runtime(replace(current, runtime="native"), on_progress).check(on_progress)
        logql_check.check(current, on_progress)
        if has_compose():
            select_runtime(replace(current, runtime="compose"), on_progress).check(on_progress)
        else:
            on_progress(
                "SKIPPED: docker-compose.yml was not checked: Docker Compose is not installed."
            )
    output.print("Every configuration is valid.")


@main.command()
def down() -> None:
    """Stop the whole stack, also after a crash."""
    runtime = _runtime()
    with _timed("stopping") as on_progress:
        runtime.down(on_progress)
    output.print("Down.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the instances as JSON.")
def status(as_json: bool) -> None:
    """Show every instance and its state.

    Exit with 1 unless all of them are ready.
    """
    runtime = _runtime()
    instances = runtime.status()
    if as_json:
        _print_json([instance.as_dict() for instance in instances])
    elif not instances:
        output.print("The stack is down: start it with `make up`.")
    else:
        output.print(console.address_table(runtime.addresses()))
        output.print(console.instance_table(instances))
    healthy = instances and all(instance.state in ("ready", "standby") for instance in instances)
    sys.exit(0 if healthy else 1)


@main.command()
@click.argument("replicas", metavar="SERVICE=COUNT...", nargs=-1, required=True)
def scale(replicas: Sequence[str]) -> None:
    """Scale services, as in `scale web=3`.

    COUNT is the number of instances that the service has afterwards.
    """
    scales = [_parse_scale(item) for item in replicas]  # all of them, before any is scaled
    runtime = _runtime()
    for service, count in scales:
        with _timed(f"scaling {service}") as on_progress:
            runtime.scale(service, count, on_progress)


def _parse_scale(item: str) -> tuple[str, int]:
    # Nine digits at most: int() refuses very long ones.
    match = re.fullmatch(r"([^=]+)=([0-9]{1,9})", item)
    if match is None:
        raise AlertdrillError(f"{item!r} is not SERVICE=COUNT: write it as in web=3.")
    return match[1], int(match[2])


def _add_action(name: str, summary: str, detail: str = "") -> None:
    """Add a command that calls the runtime's method of that name for one target."""
    text = f"{summary}\n\nTARGET is an instance or a service, such as web-1 or web. {detail}"

    @main.command(name=name, help=text.rstrip())
    @click.argument("target")
    def act(target: str) -> None:
        runtime = _runtime()
        with _timed(f"{name} {target}"):
            getattr(runtime, name)(target)
        output.print(f"{name} {target}: done.")


_add_action("start", "Start an instance or a service.")
_add_action(
    "stop",
    "Stop an instance or a service gracefully.",
    "Alerts fire until you start it, and the responder may restart it.",
)
_add_action("restart", "Restart an instance, or a service one instance at a time.")
_add_action(
    "kill", "Kill an instance or a service with SIGKILL.", "The supervisor starts it again."
)
_add_action(
    "pause", "Freeze an instance or a service with SIGSTOP.", "It hangs until you resume it."
)
_add_action("resume", "Resume a paused instance or service.")


@main.command(name="open")
@click.argument("page", required=False, default="")
def open_page(page: str) -> None:
    """Open a page of the running stack in your browser.

    PAGE is a part of its title, as in `open grafana`. Without PAGE, all addresses are printed.
    """
    addresses = _runtime().addresses()
    chosen = {title: url for title, url in addresses.items() if page.lower() in title.lower()}
    if not chosen:
        titles = ", ".join(title.lower() for title in addresses)
        raise AlertdrillError(
            f"no page named {page!r}: known pages are {titles}. Run `alertdrill doctor` to see what"
            " is not installed."
        )
    if not page or len(chosen) > 1:
        output.print(console.address_table(chosen))
        return
    url = next(iter(chosen.values()))
    click.echo(url)
    click.launch(url)


@main.command()
def doctor() -> None:
    """Check that this machine can run the stack.

    Print what is missing, and how to install it. Exit with 1 if the stack can't start.
    """
    with _timed("checking"):
        results = checks(settings.current())
    for line in console.check_lines(results):
        output.print(line, soft_wrap=True)
    sys.exit(1 if any(check.state == "problem" for check in results) else 0)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    Add this line to your shell's start-up file: eval "$(alertdrill completion bash)".
    """
    script = get_completion_class(shell)
    assert script is not None  # click has one for each of these
    click.echo(script(main, {}, "alertdrill", "_ALERTDRILL_COMPLETE").source())


main.add_command(drill)
main.add_command(audit)
main.add_command(false_alarms_command)
main.add_command(images)
main.add_command(load)
main.add_command(build_collector)
main.add_command(logs)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2))
