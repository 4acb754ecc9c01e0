"""`alertdrill audit`: check that every count source counts each request once."""

from __future__ import annotations

import sys
import time

import click

from ..audit.client import audit_route
from ..audit.report import as_json, count_table, difference_lines, junit, summary
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


@click.command()
@click.option(
    "--requests",
    default=20_000,
    show_default=True,
    # A step needs enough traffic, so at least 100; a million take three hours.
    type=click.IntRange(100, 1_000_000),
    help="Number of requests to send.",
)
@click.option(
    "--rate",
    default=100,
    show_default=True,
    # Two instances on two cores serve about 250 a second; larger machines serve more.
    type=click.IntRange(1, 1000),
    help="Requests per second. The rate drops while a restart takes longer than planned.",
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
@click.option("--json", "as_text", is_flag=True, help="Print the report as JSON.")
def audit(requests: int, rate: int, rounds: int | None, current_stack: bool, as_text: bool) -> None:
    """Check that each request is counted exactly once.

    Send requests while all services restart, and compare the counts of the client, the load
    balancer, Prometheus and the access logs. Exit with 1 if a count differs or a request fails.
    """

    def note(text: str) -> None:
        show(text, f"[dim]{time.strftime('%H:%M:%S')}[/]", progress)

    def select(stack: StackSettings) -> StackRuntime:
        return select_stack_runtime(stack, lambda _: None)

    # The audit changes the scale; healing would undo that.
    options = Options(1, current_stack, fake_loki=True, healing="off", folder="audit")
    route = audit_route(SERVICES.values())
    try:
        with provision(settings.current(), options, DrillProgress(note), select) as context:
            folder = context.folder
            report = run_audit(context, route, requests=requests, rate=rate, rounds=rounds)
    except KeyboardInterrupt:
        progress.print("Interrupted: no counts were compared.")
        sys.exit(INTERRUPTED)
    (folder / "report.json").write_text(as_json(report), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(report), encoding="utf-8")
    if as_text:
        click.echo(as_json(report), nl=False)
    else:
        for sentence in report.notes:
            show(sentence, "[yellow]![/]")
        output.print(count_table(report))
        for sentence in difference_lines(report):
            show(sentence, "[bold red]✗[/]")
        show(summary(report))
        show(f"Report: {folder / 'report.json'}")
    sys.exit(0 if report.exact else 1)
