"""`alertdrill load`: send load through the load balancer, and evaluate its gates."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.table import Table

from ..config import settings
from ..drills.session import interrupt_on_sigterm, report_folder
from ..errors import AlertdrillError
from ..load import capacity
from ..load.capacity import find_capacity
from ..load.profile import LoadProfile, LoadSize, load_profile
from ..load.report import Report, write
from ..load.run import LoadContext, create_context, run
from ..report import page
from ..runtimes.select import select_stack_runtime
from .console import escape, output, show
from .options import INTERRUPTED, Duration


@click.command()
@click.argument("name", default="steady")
@click.option(
    "--users",
    type=click.IntRange(1, 10_000),
    help="Maximum number of clients. Default: that of the load.",
)
@click.option(
    "--duration",
    "--for",
    type=Duration(),
    help="Duration, such as 90s or 1h. Default: that of the load.",
)
@click.option(
    "--host", metavar="URL", help="URL to send to. Default: the load balancer of the stack."
)
def load(name: str, users: int | None, duration: float | None, host: str | None) -> None:
    """Run a load test on the running stack.

    NAME is a load of loadtests/profiles.yml, `steady` by default. Exit with 1 if a gate fails.
    """
    current, profile = settings.current(), load_profile(name)
    runtime = select_stack_runtime(current, lambda _: None)
    if not runtime.status():
        raise AlertdrillError("The stack is down: start it with `make up`.")
    profile = profile.at(runtime.speed)
    size = LoadSize(users or profile.users, duration or profile.duration)
    folder = report_folder(current.home / "loads", time.time())
    duration_text = page.duration(size.seconds)
    show(f"{profile.description} {size.users} clients at most, {duration_text}.")
    context = create_context(current, runtime, host, _report_progress)
    try:
        with interrupt_on_sigterm():
            if profile.search:
                sys.exit(0 if _search_capacity(profile, size, context, folder) else 1)
            report = run(profile, size, context, folder)
    except KeyboardInterrupt:
        output.print("Interrupted: no gate was evaluated.")
        sys.exit(INTERRUPTED)
    output.print(_table(report))
    show(f"Report: {write(report, folder)}")
    sys.exit(0 if report.passed else 1)


def _search_capacity(
    profile: LoadProfile, size: LoadSize, context: LoadContext, folder: Path
) -> bool:
    """Search the capacity and write its report; return whether a step passed."""
    result = find_capacity(profile, size, context, folder)
    output.print(capacity.table(result))
    output.print(f"[bold]{escape(capacity.sentence(result))}[/]", soft_wrap=True)
    show(f"Report: {capacity.write(result, folder)}")
    return result.best is not None


def _report_progress(sentence: str) -> None:
    output.print(f"[dim]· {escape(sentence)}[/]", soft_wrap=True)


def _table(report: Report) -> Table:
    table = Table("", "Objective", "Locust", "Prometheus", "", box=None, pad_edge=False)
    for gate in report.gates:
        verdict = "[green]✓ holds[/]" if gate.passed else "[bold red]✗ missed[/]"
        table.add_row(gate.name, gate.objective, *gate.values, verdict)
    return table
