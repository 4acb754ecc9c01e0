"""`alertdrill kill-matrix`: break every component in every way, and record what recovers it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.status import Status
from rich.table import Table

from ..audit.client import audit_route
from ..config import settings
from ..config.services import SERVICES
from ..config.settings import StackSettings
from ..drills.context import DrillContext, DrillProgress
from ..drills.session import Options, provision
from ..interrupts import INTERRUPTED
from ..kill_matrix import result as results
from ..kill_matrix.client import SteadyClient
from ..kill_matrix.plan import FAULTS, Row, plan_rows
from ..kill_matrix.result import FILE_NAME, Results, RowResult
from ..kill_matrix.run import MatrixRun
from ..kill_matrix.table import COLUMNS, cells, markdown, summaries, summary
from ..runtimes.base import SupervisedStack
from ..runtimes.compose import run_drills_in_container
from ..runtimes.select import resolve_runtime, select_fault_target
from .console import escape, note, output, progress, show, table
from .options import current_stack_option, duration, ephemeral_option, speed_option

# The columns while it runs, with their shares of the width: all but the alerts.
SHARES = {
    "Component": 4,
    "Copies": 3,
    "Fault": 2,
    "Recovery": 4,
    "Lost": 3,
    "Recovered by": 4,
    "Notified": 6,
}


class MatrixConsole(DrillProgress):
    """Prints the table row by row, above the spinner of `status`."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def note(self, sentence: str) -> None:
        """Print a sentence about the run as a whole."""
        show(sentence, "[yellow]![/]", self._status.console)

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """Show the awaited phase and its limit in the spinner."""
        self._status.update(f"{escape(phase)}: {elapsed:.0f} of {limit:.0f} s")

    def row(self, values: Sequence[str], style: str = "") -> None:
        """Print a row of the table."""
        line = Table.grid(padding=(0, 1), expand=True)
        for share in SHARES.values():
            line.add_column(ratio=share, overflow="fold")
        shown = [escape(dict(zip(COLUMNS, values, strict=True))[name]) for name in SHARES]
        line.add_row(*shown, style=style)
        self._status.console.print(line)


@click.command(name="kill-matrix")
@click.option(
    "--only",
    multiple=True,
    metavar="TARGET",
    help="Break only this component or instance, such as web or web-1. Repeatable.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    type=click.Choice(FAULTS),
    help="Inject only this fault. Repeatable. Default: all.",
)
@click.option("--missing", is_flag=True, help="Run only the rows that the results do not have.")
@click.option(
    "--timeout",
    # At the default speed a component that is stopped is started after 50 s.
    default="90s",
    show_default=True,
    type=duration,
    help="How long a recovery may take, at any speed, before the fault is undone.",
)
@click.option(
    "--rate",
    default=10,
    show_default=True,
    type=click.IntRange(1, 50),
    help="Requests per second through the load balancer.",
)
@click.option(
    "--results",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON file that keeps the rows of all runs. Default: in ALERTDRILL_HOME.",
)
@speed_option
@current_stack_option
@ephemeral_option
def kill_matrix(**options: Any) -> None:
    """Break every component, and record what recovers it.

    Kill, stop and pause one copy and all copies of each component while requests arrive steadily.
    Record the seconds until the steady state returns, the requests lost, what recovers the
    component, and which alerts fire. What does not recover in time is undone. Write the table as
    JSON and as Markdown. Exit with 1 if a component does not recover, unless the fault took every
    copy of what heals.
    """
    stack = resolve_runtime(settings.current(), lambda _: None)
    options["faults"] = options["faults"] or FAULTS
    file: Path = options["file"] or stack.home / FILE_NAME
    if stack.runtime == "compose":
        sys.exit(_run_in_container(stack, options, file))
    if stack.runtime == settings.IN_NETWORK:
        stack = replace(stack, ephemeral=options["ephemeral"])
    done: list[RowResult] = []
    finished = _run(stack, options, file, done)
    output.print(table(COLUMNS, map(cells, done)))
    for sentence in summaries(done):
        show(sentence, "[bold red]✗[/]")
    show(summary(done))
    show(f"Results: {file}")
    passed = all(row.verdict == "recovered" or row.took_healers for row in done)
    sys.exit(int(not passed) if finished else INTERRUPTED)


def _run(
    stack: StackSettings, options: Mapping[str, Any], file: Path, done: list[RowResult]
) -> bool:
    """Run the rows, and append each result to `done`; return whether the run reached its end."""
    stored, timeout, rate = results.read(file), options["timeout"], options["rate"]
    with _open(stack, Options(options["speed"], options["current_stack"])) as (context, console):
        rows = _plan(context, stored, options)
        console.note(f"{len(rows)} rows; one that does not recover takes over {timeout:g} s.")
        console.row(COLUMNS, style="bold")

        def on_result(row: RowResult) -> None:
            done.append(row)
            _write(context.folder / FILE_NAME, Results(rows=tuple(done)))
            _write(file, stored.merge(done))
            console.row(cells(row))

        url, route = context.runtime.addresses()["Services"], audit_route(SERVICES.values())
        client = SteadyClient(url, route, rate)
        try:
            MatrixRun(context, client, rate=rate, timeout=timeout).execute(rows, on_result)
        except KeyboardInterrupt:
            return False
    return True


@contextmanager
def _open(stack: StackSettings, options: Options) -> Iterator[tuple[DrillContext, MatrixConsole]]:
    with progress.status("starting") as status:
        console = MatrixConsole(status)
        with provision(stack, options, console, select_fault_target) as context:
            yield context, console


def _plan(context: DrillContext, stored: Results, options: Mapping[str, Any]) -> Sequence[Row]:
    runtime = context.runtime
    supervisor = runtime.supervisor_name if isinstance(runtime, SupervisedStack) else ""
    rows = plan_rows(runtime.status(), supervisor, only=options["only"], faults=options["faults"])
    measured = {row.key for row in stored.rows if row.verdict != "aborted"}
    has = measured if options["missing"] else set()
    return [row for row in rows if (runtime.name, row.target, row.fault) not in has]


def _run_in_container(stack: StackSettings, options: Mapping[str, Any], file: Path) -> int:
    """Run the command inside the stack's networks; merge its results into those of this host."""
    if options["missing"]:
        raise click.UsageError("--missing works only with RUNTIME=native: use --only.")
    words = [
        *("kill-matrix", f"--timeout={options['timeout']:g}s", f"--rate={options['rate']}"),
        *(f"--only={name}" for name in options["only"]),
        *(f"--fault={name}" for name in options["faults"]),
    ]
    stored = results.read(file)
    reports = stack.home / "drills"
    before = {*reports.glob(f"*/{FILE_NAME}")}
    speed = None if options["current_stack"] else options["speed"]
    code = run_drills_in_container.run_in_container(stack, words, speed, note)
    for report in sorted({*reports.glob(f"*/{FILE_NAME}")} - before):
        stored = stored.merge(results.read(report).rows)
        _write(file, stored)
    return code


def _write(file: Path, written: Results) -> None:
    """Write results, and their table as Markdown beside them."""
    results.write(file, written)
    runtimes = dict.fromkeys(row.runtime for row in written.rows)
    tables = [markdown([row for row in written.rows if row.runtime == name]) for name in runtimes]
    file.with_suffix(".md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
