"""`alertdrill load`: send load through the load balancer, and evaluate its gates."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.text import Text

from ..config import settings
from ..drills.session import interrupt_on_sigterm, report_folder
from ..errors import AlertdrillError
from ..interrupts import INTERRUPTED
from ..load.capacity import find_capacity
from ..load.profile import LoadProfile, load_profile
from ..load.report import write, write_capacity
from ..load.run import LoadContext, create_context, run
from ..report import page
from ..runtimes.select import select_stack_runtime
from .console import escape, output, show, table, verdict
from .options import duration


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
    type=duration,
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
    if not (instances := runtime.status()):
        raise AlertdrillError("The stack is down: start it with `make up`.")
    ready = sum(
        (instance.service, instance.state) == (profile.service, "ready") for instance in instances
    )
    profile = profile.at(runtime.speed).for_stack(ready)
    profile = profile.resized(users, duration)
    folder = report_folder(current.home / "loads", time.time())
    duration_text = page.duration(profile.duration)
    show(f"{profile.description} {profile.users} clients at most, {duration_text}.")
    context = create_context(current, runtime, host, _report_progress)
    try:
        with interrupt_on_sigterm():
            if profile.search:
                sys.exit(0 if _search_capacity(profile, context, folder) else 1)
            result = run(profile, context, folder)
    except KeyboardInterrupt:
        output.print("Interrupted: no gate was evaluated.")
        sys.exit(INTERRUPTED)
    rows: list[Sequence[str | Text]] = [
        (gate.name, gate.objective, *gate.values, verdict(gate.passed, "holds", "missed"))
        for gate in result.gates
    ]
    output.print(table(("", "Objective", "Locust", "Prometheus", ""), rows))
    show(f"Report: {write(result, folder)}")
    sys.exit(0 if result.passed else 1)


def _search_capacity(profile: LoadProfile, context: LoadContext, folder: Path) -> bool:
    """Search the capacity and write its report; return whether a step passed."""
    capacity = find_capacity(profile, context, folder)
    rows = []
    for step in sorted(capacity.steps, key=lambda step: step.profile.users):
        both = (step.locust.total, step.prometheus)
        errors = ", ".join(f"{stats.errors:.2%}" for stats in both)
        p95 = ", ".join(page.milliseconds(stats.p95) for stats in both)
        holds = verdict(step.passed, "holds", f"missed: {step.missed}")
        rows.append((str(step.profile.users), f"{step.rate:.0f}", errors, p95, holds))
    output.print(table(("Clients", "Requests/s", "Errors", "p95", ""), rows))
    output.print(f"[bold]{escape(str(capacity))}[/]", soft_wrap=True)
    show(f"Report: {write_capacity(capacity, folder)}")
    return capacity.best is not None


def _report_progress(sentence: str) -> None:
    output.print(f"[dim]· {escape(sentence)}[/]", soft_wrap=True)
