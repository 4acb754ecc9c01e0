"""The result of an audit on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .report import Report, describe_differences

# One screen of lines; report.json has all.
MAX_SHOWN = 20


def count_table(report: Report) -> Table:
    """Return the table of counts and differences."""
    table = Table("Source", box=None, pad_edge=False)
    for title in ("Counted", "Difference", "Missing", "Duplicated", "Retried"):
        table.add_column(title, justify="right")
    for source in report.sources:
        sign, style = ("✓", "green") if source.exact else ("✗", "bold red")
        table.add_row(
            Text.assemble((f"{sign} ", style), source.name),
            str(source.counted),
            f"{source.difference:+}" if source.difference else "0",
            str(len(source.missing)),
            str(len(source.duplicated)),
            str(source.retried),
        )
    return table


def difference_lines(report: Report) -> Sequence[str]:
    """Return a message for each difference, the first 20."""
    failed = [f"{failure.id} failed: {failure.error}" for failure in report.failures]
    # The client's differences are the failures, which have more detail.
    lines = [
        *failed,
        *(line for source in report.sources[1:] for line in describe_differences(source)),
    ]
    more = [f"and {len(lines) - MAX_SHOWN} more, in report.json"] if len(lines) > MAX_SHOWN else []
    return [*lines[:MAX_SHOWN], *more]


def summary(report: Report) -> str:
    """Return the result in one line."""
    restarts = sum(done.step.startswith("restart") for done in report.steps)
    scalings = len(report.steps) - restarts
    again = ", ".join(f"{name} {count}" for name, count in report.retries.items())
    judged = "every source counted each of them once" if report.exact else "counts DIFFER"
    return (
        f"{report.requests} requests through {restarts} restarts and {scalings} changes of scale:"
        f" {judged}. Retries of the load balancer: {again}."
    )
