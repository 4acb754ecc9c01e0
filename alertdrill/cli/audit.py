"""`alertdrill audit`: check that every count source counts each request once."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.table import Table

from ..audit.client import audit_route
from ..audit.hostile import report as hostile_report
from ..audit.hostile.inputs import read_inputs
from ..audit.hostile.report import HostileReport
from ..audit.hostile.run import run_hostile
from ..audit.report import Report, as_json, count_table, difference_lines, junit, summary
from ..audit.run import run_audit
from ..config import settings
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..drills.context import DrillProgress
from ..drills.session import Options, provision
from ..interrupts import INTERRUPTED
from ..runtimes.base import StackRuntime
from ..runtimes.select import select_stack_runtime
from .console import output, progress, show

# Two instances on two cores serve about 250 a second; larger machines serve more.
DEFAULT_RATE = 100


@click.command()
@click.option(
    "--requests",
    default=20_000,
    show_default=True,
    # A step needs enough traffic, so at least 100; a million take three hours.
    type=click.IntRange(100, 10_000_000),
    help="Number of requests, or of hostile inputs, to send.",
)
@click.option(
    "--rate",
    default=None,
    type=click.IntRange(1, 1000),
    help="Requests per second. Default: 100, and with --hostile as fast as the stack answers. The"
    " rate drops while a restart takes longer than planned.",
)
@click.option(
    "--rounds",
    default=None,
    type=click.IntRange(0, 1000),
    help="Number of rounds of restarts. Default: as many as fit into the run.",
)
@click.option(
    "--current-stack", is_flag=True, help="Use the running stack instead of an ephemeral one."
)
@click.option(
    "--hostile", is_flag=True, help="Send malformed and unexpected input, and explain every answer."
)
@click.option(
    "--seed", default=0, show_default=True, help="The seed of the hostile inputs: it repeats them."
)
@click.option(
    "--replay",
    default=None,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send the hostile inputs of a file, such as the inputs.jsonl of a report.",
)
@click.option("--json", "as_text", is_flag=True, help="Print the report as JSON.")
def audit(  # noqa: PLR0913, PLR0917 - the options of the command
    requests: int,
    rate: int | None,
    rounds: int | None,
    current_stack: bool,
    hostile: bool,
    seed: int,
    replay: Path | None,
    as_text: bool,
) -> None:
    """Check that each request is counted exactly once.

    Send requests while all services restart, and compare the counts of the client, the load
    balancer, Prometheus and the access logs. Exit with 1 if a count differs or a request fails.

    With --hostile, send malformed and unexpected input instead, while nothing restarts. Exit with
    1 if an input leads to a server error or a hang, or if a response or a line is unexplained.
    """
    # The audit changes the scale; healing would undo that.
    options = Options(1, current_stack, fake_loki=True, healing="off", folder="audit")
    replayed = read_inputs(replay) if replay else ()
    try:
        with provision(settings.current(), options, DrillProgress(_note), _select) as context:
            if hostile or replay:
                result = _hostile_result(
                    run_hostile(context, inputs=requests, seed=seed, rate=rate, replay=replayed)
                )
            else:
                route = audit_route(SERVICES.values())
                rate = rate or DEFAULT_RATE
                result = _result(
                    run_audit(context, route, requests=requests, rate=rate, rounds=rounds)
                )
    except KeyboardInterrupt:
        progress.print("Interrupted: no counts were compared.")
        sys.exit(INTERRUPTED)
    _publish(result, context.folder, as_text)
    sys.exit(0 if result.exact else 1)


def _note(text: str) -> None:
    show(text, f"[dim]{time.strftime('%H:%M:%S')}[/]", progress)


def _select(stack: StackSettings) -> StackRuntime:
    return select_stack_runtime(stack, lambda _: None)


@dataclass(frozen=True)
class _Result:
    """A report to write and to show; `files` are its files by name."""

    exact: bool
    files: Mapping[str, str]
    notes: Sequence[str]
    table: Table
    problems: Sequence[str]
    summary: str


def _result(report: Report) -> _Result:
    files = {"report.json": as_json(report), "junit.xml": junit(report)}
    problems = difference_lines(report)
    return _Result(
        report.exact, files, report.notes, count_table(report), problems, summary(report)
    )


def _hostile_result(report: HostileReport) -> _Result:
    files = {
        "report.json": hostile_report.as_json(report),
        "junit.xml": hostile_report.junit(report),
        "inputs.jsonl": hostile_report.offending_inputs(report),
    }
    return _Result(
        report.exact,
        files,
        report.notes,
        hostile_report.kind_table(report),
        hostile_report.problem_lines(report),
        hostile_report.summary(report),
    )


def _publish(result: _Result, folder: Path, as_text: bool) -> None:
    for name, text in result.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if as_text:
        click.echo(result.files["report.json"], nl=False)
        return
    for sentence in result.notes:
        show(sentence, "[yellow]![/]")
    output.print(result.table)
    for sentence in result.problems:
        show(sentence, "[bold red]✗[/]")
    show(result.summary)
    show(f"Report: {folder / 'report.json'}")
