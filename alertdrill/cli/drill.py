"""`alertdrill drill list|check|run` and `alertdrill false-alarms`, and what they print."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.status import Status

from ..config import settings
from ..config.durations import format_milliseconds
from ..drills.context import DrillContext, DrillProgress
from ..drills.loader import flat_loads, load_all
from ..drills.model import ACTIONS, STEADY, Drill, InvalidDrillError, describe_healer
from ..drills.report import failed_alerts, write
from ..drills.result import SIGNS, DrillResult, Report
from ..drills.retarget import retarget
from ..drills.session import Options, provision, run_drills
from ..drills.steady_state import watch_for_false_alarms
from ..interrupts import INTERRUPTED
from ..report import page
from ..runtimes.base import require_service
from ..runtimes.compose import run_drills_in_container
from ..runtimes.select import resolve_runtime, select_fault_target
from .console import escape, note, output, progress, show, table
from .options import (
    current_stack_option,
    duration,
    ephemeral_option,
    speed_option,
)

# EX_TEMPFAIL of sysexits.h: the same command may succeed later.
TRY_AGAIN = 75
FAILED = "[bold red]✗[/]"
# The other verdicts are yellow.
STYLES = {"passed": "green", "failed": "bold red"}


class DrillConsole(DrillProgress):
    """Prints a run as it proceeds, above the spinner of `status`."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._console = status.console
        self._heal = "none"

    def note(self, sentence: str) -> None:
        """Print a sentence about the run as a whole."""
        show(sentence, "[yellow]![/]", self._console)

    def drill_started(self, drill: Drill, position: tuple[int, int]) -> None:
        """Print the drill's alert and description."""
        self._heal = drill.expect.heal
        number, count = position
        self._console.print(
            f"[bold]{escape(drill.alert)}[/] [dim]{number}/{count}[/] {escape(drill.description)}"
        )

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """Show the awaited phase and its limit in the spinner."""
        self._status.update(f"waiting for phase '{phase}': {elapsed:.0f} of {limit:.0f} s")

    def phase_reached(self, phase: str, elapsed: float, limit: float) -> None:
        """Print a phase that was reached."""
        detail = ""
        if phase == "healed":
            detail = f", by {describe_healer(self._heal)}"
        elif phase == "resolved":
            detail = f" since {'it was healed' if self._heal in ACTIONS else 'the fault ended'}"
        self._console.print(f"  {phase:<9}{elapsed:6.1f} s  [dim]of {limit:.1f} s{detail}[/]")

    def drill_finished(self, result: DrillResult) -> None:
        """Print the verdict."""
        sign, style = SIGNS[result.verdict], STYLES.get(result.verdict, "yellow")
        fired, ideal = result.times.get("firing"), result.ideal.get("firing")
        firing = ""
        if fired is not None and ideal is not None:
            ideally = f"ideally {ideal.fastest:.1f} to {ideal.slowest:.1f} s"
            firing = f", fired after {fired:.1f} s ({ideally})"
        reason = f": {escape(result.reason)}" if result.reason else ""
        seconds = f"{result.ended - result.began:.0f} s"
        self._console.print(
            f"  [{style}]{sign} {result.verdict}[/] in {seconds}{firing}{reason}", soft_wrap=True
        )


@click.group()
def drill() -> None:
    """Prove alerts by injecting faults.

    A drill injects a fault and verifies that its alert fires, is delivered and clears.
    """


@drill.command(name="list")
def list_drills() -> None:
    """List the drills and their faults."""
    drills = load_all().drills.values()
    rows = [(drill.alert, drill.description, str(drill.fault)) for drill in drills]
    output.print(table(("Alert", "Description", "Fault"), rows))


@drill.command()
def check() -> None:
    """Validate every drill file."""
    catalogue = load_all()
    for error in catalogue.errors:
        show(error, FAILED)
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
@click.option(
    "--service", help="Another service than the drill's own, with a load profile of its name."
)
@ephemeral_option
def run_command(
    alerts: Sequence[str], service: str | None, last_failed: bool, speed: float, **where: bool
) -> None:
    """Run the drills of ALERTS, or all drills.

    Exit with 1 unless all of them pass, with 75 if all others were inconclusive because this
    machine was too busy, with 130 after Ctrl-C.
    """
    if last_failed:
        alerts = [*alerts, *failed_alerts(settings.current().home)]
    current_stack, ephemeral = where["current_stack"], where["ephemeral"]
    drills = _select(alerts, backfill=ephemeral or not current_stack)
    words = ["drill", "run", *alerts]
    if service is not None:
        require_service(service)
        drills = [retarget(drill, service, flat_loads()) for drill in drills]
        words += ["--service", service]
    with _open_session(words, speed, current_stack, ephemeral) as context:
        report = run_drills(context, drills)
        file = write(report, context.folder)
    show(summary(report))
    show(f"Report: {file}")
    if len(report.results) < len(drills):
        sys.exit(INTERRUPTED)
    if report.inconclusive:
        sys.exit(TRY_AGAIN)
    sys.exit(0 if report.passed else 1)


@click.command(name="false-alarms")
@click.option(
    "--for",
    "seconds",
    default="3m",
    show_default=True,
    type=duration,
    help="Duration to watch, such as 90s.",
)
@speed_option
@current_stack_option
@ephemeral_option
def false_alarms_command(
    seconds: float, speed: float, current_stack: bool, ephemeral: bool
) -> None:
    """Verify that no alert fires under steady load.

    Exit with 1 if an alert other than Watchdog fires.
    """
    duration = format_milliseconds(round(seconds * 1000))
    words = ["false-alarms", "--for", duration]
    with _open_session(words, speed, current_stack, ephemeral) as context:
        sentences = watch_for_false_alarms(context, seconds)
    for sentence in sentences:
        show(sentence, FAILED)
    if sentences:
        sys.exit(1)
    speed = context.record.stack.speed
    output.print(f"No false alarms in {duration} at speed {speed:g}: only Watchdog fires.")


@contextmanager
def _open_session(
    words: Sequence[str], speed: float, current_stack: bool, ephemeral: bool
) -> Iterator[DrillContext]:
    """Provide a stack; if it runs in containers, run the command of these words there and exit."""
    resolved = resolve_runtime(settings.current(), lambda _: None)
    if resolved.runtime == "compose":
        stack_speed = None if current_stack else speed
        sys.exit(run_drills_in_container.run_in_container(resolved, words, stack_speed, note))
    if resolved.runtime == settings.IN_NETWORK:
        resolved = replace(resolved, ephemeral=ephemeral)
    options = Options(speed, current_stack)
    with (
        progress.status("starting") as status,
        provision(resolved, options, DrillConsole(status), select_fault_target) as context,
    ):
        yield context


def _select(alerts: Sequence[str], *, backfill: bool) -> list[Drill]:
    """Return the drills to run, if all are valid, grouped by load to restart it rarely.

    `backfill` allows those that replace Prometheus's history.
    """
    catalogue = load_all()
    unknown = [alert for alert in alerts if alert not in catalogue.drills]
    drills = [drill for alert, drill in catalogue.drills.items() if not alerts or alert in alerts]
    errors = [
        *catalogue.errors,
        *(f"There is no drill {alert!r}: see `alertdrill drill list`." for alert in unknown),
        *(
            f"The drill {drill.alert} replaces Prometheus's history, which --current-stack must"
            " not do: run it without --current-stack."
            for drill in drills
            if drill.backfill and not backfill
        ),
    ]
    if errors:
        raise InvalidDrillError(errors[0])
    return sorted(drills, key=lambda drill: (drill.load != STEADY, str(drill.load)))


def summary(report: Report) -> str:
    """Return a run's result in one line."""
    took = page.duration(report.ended - report.began)
    if not report.results:
        return f"No drill finished, in {took}."
    verdicts: Counter[str] = Counter(result.verdict for result in report.results)
    counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in SIGNS if verdicts[verdict])
    drills = page.count(len(report.results), "drill")
    return f"{drills} at speed {report.speed:g}: {counts}, in {took}."
