"""`alertdrill drill list|check|run` and `alertdrill false-alarms`."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from .. import settings
from ..console import escape
from ..drills import Catalogue, InvalidDrillError, false_alarms, load_all, rule_files
from ..drills.console import DrillConsole, drill_table, summary
from ..drills.model import DEFAULT_USERS, Drill
from ..drills.report import failed_alerts, write
from ..drills.session import Options, open_session, run_drills
from ..runtimes import select_runtime
from ..runtimes.compose import run_drills_in_container
from ..runtimes.compose.runtime import ComposeRuntime
from ..yaml_reader import DURATION_UNITS

progress = Console(stderr=True, highlight=False)
output = Console(highlight=False)
# A shell's exit code after Ctrl-C.
INTERRUPTED = 130


class Speed(click.FloatRange):
    """The factor of the time compression: a number in a range, not NaN."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the factor; fail with a usage error if it is out of range."""
        speed = float(super().convert(value, param, ctx))
        if math.isnan(speed):  # passes every comparison with a bound
            self.fail(f"{value} is not a number.", param, ctx)
        return speed


speed_option = click.option(
    "--speed",
    default=12.0,
    show_default=True,
    type=Speed(1, 1000),
    help="Compress time: divide every duration of the ephemeral stack by this factor.",
)
current_stack_option = click.option(
    "--current-stack",
    is_flag=True,
    help="Use the running stack, at its own speed, instead of an ephemeral one.",
)


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
    if _runs_in_containers():
        words = ["drill", "run", *alerts]
        stack_speed = None if current_stack else speed
        sys.exit(
            run_drills_in_container.run_in_container(settings.current(), words, stack_speed, _note)
        )
    with (
        DrillConsole(progress) as console,
        open_session(settings.current(), Options(speed, current_stack), console) as context,
    ):
        report = run_drills(context, drills)
        page = write(report, context.folder)
    output.print(summary(report))
    output.print(f"Report: {page}", soft_wrap=True)
    if len(report.results) < len(drills):
        sys.exit(INTERRUPTED)
    sys.exit(0 if report.passed else 1)


@click.command(name="false-alarms")
@click.option(
    "--for", "duration", default="3m", show_default=True, help="Duration to watch, such as 90s."
)
@speed_option
@current_stack_option
def false_alarms_command(duration: str, speed: float, current_stack: bool) -> None:
    """Verify that no alert fires under steady load.

    Exit with 1 if an alert other than Watchdog fires.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smh])", duration)
    if match is None:
        raise InvalidDrillError(f"--for is {duration!r}: it must be a duration such as 90s or 3m.")
    seconds = int(match[1]) * DURATION_UNITS[match[2]]
    if _runs_in_containers():
        words = ["false-alarms", "--for", duration]
        stack_speed = None if current_stack else speed
        sys.exit(
            run_drills_in_container.run_in_container(settings.current(), words, stack_speed, _note)
        )
    with (
        DrillConsole(progress) as console,
        open_session(settings.current(), Options(speed, current_stack), console) as context,
    ):
        sentences = false_alarms.watch(context, seconds)
    for sentence in sentences:
        output.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)
    if sentences:
        sys.exit(1)
    speed = context.settings.speed
    output.print(f"No false alarms in {duration} at speed {speed:g}: only Watchdog fires.")


def _runs_in_containers() -> bool:
    """Return whether the stack runs in containers and this process does not."""
    return isinstance(select_runtime(settings.current(), lambda _: None), ComposeRuntime)


def _note(text: str) -> None:
    progress.print(f"[dim]·[/] {escape(text)}")


def _catalogue() -> Catalogue:
    return load_all(settings.ROOT / "drills", rule_files.alert_names())


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
    return sorted(drills, key=lambda drill: (drill.load.users != DEFAULT_USERS, str(drill.load)))
