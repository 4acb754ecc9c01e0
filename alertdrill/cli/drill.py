"""`alertdrill drill list|check|run` and `alertdrill false-alarms`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console

from ..config import settings
from ..config.durations import format_milliseconds
from ..console import escape
from ..drills import false_alarms
from ..drills.console import DrillConsole, drill_table, summary
from ..drills.context import DrillContext
from ..drills.errors import InvalidDrillError
from ..drills.loader import Catalogue, load_all
from ..drills.model import STEADY, Drill
from ..drills.report.files import failed_alerts, write
from ..drills.session import Options, provision, run_drills
from ..runtimes import resolve_runtime
from ..runtimes.compose import run_drills_in_container
from .options import INTERRUPTED, Duration, current_stack_option, speed_option

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)


@click.group()
def drill() -> None:
    """Prove alerts by injecting faults.

    A drill injects a fault and verifies that its alert fires, is delivered and clears.
    """


@drill.command(name="list")
def list_drills() -> None:
    """List the drills and their faults."""
    output.print(drill_table(_catalogue()))


@drill.command()
def check() -> None:
    """Validate every drill file."""
    catalogue = _catalogue()
    for error in catalogue.errors:
        output.print(f"[bold red]✗[/] {escape(error)}", soft_wrap=True)
    if catalogue.errors:
        sys.exit(1)
    output.print(f"{len(catalogue.drills)} drills are valid, one for every alert.")


@drill.command(name="run")
@click.argument("alerts", nargs=-1)
@speed_option
@current_stack_option
@click.option(
    "--last-failed", is_flag=True, help="Run the drills that did not pass in the last run."
)
def run_command(
    alerts: Sequence[str], speed: float, current_stack: bool, last_failed: bool
) -> None:
    """Run the drills of ALERTS, or all drills.

    Exit with 1 unless all of them pass, with 130 after Ctrl-C.
    """
    if last_failed:
        alerts = [*alerts, *failed_alerts(settings.current().home)]
    drills = _select(alerts, current_stack)
    words = ["drill", "run", *alerts]
    with _open_session(words, speed, current_stack) as context:
        report = run_drills(context, drills)
        page = write(report, context.folder)
    output.print(summary(report))
    output.print(f"Report: {page}", soft_wrap=True)
    if len(report.results) < len(drills):
        sys.exit(INTERRUPTED)
    sys.exit(0 if report.passed else 1)


@click.command(name="false-alarms")
@click.option(
    "--for",
    "seconds",
    default="3m",
    show_default=True,
    type=Duration(),
    help="Duration to watch, such as 90s.",
)
@speed_option
@current_stack_option
def false_alarms_command(seconds: float, speed: float, current_stack: bool) -> None:
    """Verify that no alert fires under steady load.

    Exit with 1 if an alert other than Watchdog fires.
    """
    duration = format_milliseconds(round(seconds * 1000))
    words = ["false-alarms", "--for", duration]
    with _open_session(words, speed, current_stack) as context:
        sentences = false_alarms.watch(context, seconds)
    for sentence in sentences:
        output.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)
    if sentences:
        sys.exit(1)
    speed = context.settings.speed
    output.print(f"No false alarms in {duration} at speed {speed:g}: only Watchdog fires.")


@contextmanager
def _open_session(
    words: Sequence[str], speed: float, current_stack: bool
) -> Iterator[DrillContext]:
    """Provide a stack; if it runs in containers, run the command of these words there and exit."""
    resolved = resolve_runtime(settings.current(), lambda _: None)
    if resolved.runtime == "compose":
        stack_speed = None if current_stack else speed
        sys.exit(run_drills_in_container.run_in_container(resolved, words, stack_speed, _note))
    with (
        DrillConsole(progress) as console,
        provision(resolved, Options(speed, current_stack), console) as context,
    ):
        yield context


def _note(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}")


def _catalogue() -> Catalogue:
    return load_all()


def _select(alerts: Sequence[str], current_stack: bool) -> list[Drill]:
    """Return the drills to run, if all are valid, grouped by load to restart it rarely."""
    catalogue = _catalogue()
    if catalogue.errors:
        raise InvalidDrillError(catalogue.errors[0])
    for alert in alerts:
        if alert not in catalogue.drills:
            raise InvalidDrillError(f"There is no drill {alert!r}: see `alertdrill drill list`.")
    drills = [drill for alert, drill in catalogue.drills.items() if not alerts or alert in alerts]
    ephemeral = os.environ.get("EPHEMERAL") == "1"  # set inside an ephemeral stack's container
    backfilled = [drill.alert for drill in drills if drill.backfill]
    if backfilled and current_stack and not ephemeral:
        raise InvalidDrillError(
            f"The drill {backfilled[0]} replaces Prometheus's history, which --current-stack must"
            " not do: run it without --current-stack."
        )
    return sorted(drills, key=lambda drill: (drill.load != STEADY, str(drill.load)))
