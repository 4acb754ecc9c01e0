"""How a run looks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .report import Report, describe_differences

# More than a screen holds helps nobody; report.json has them all.
MAX_SHOWN = 20


def count_table(report: Report) -> Table:
    """Return every source's count and its difference."""
    made = Table("Party", box=None, pad_edge=False)
    for title in ("Counted", "Difference", "Missing", "Doubled", "Sent again"):
        made.add_column(title, justify="right")
    for source in report.sources:
        sign, style = ("✓", "green") if source.exact else ("✗", "bold red")
        made.add_row(
            Text.assemble((f"{sign} ", style), source.name),
            str(source.counted),
            f"{source.difference:+}" if source.difference else "0",
            str(len(source.missing)),
            str(len(source.duplicated)),
            str(source.retried),
        )
    return made


def difference_lines(report: Report) -> Sequence[str]:
    """Return a sentence for each request that somebody misses or has twice, the first 20."""
    failed = [f"{failure.id} failed: {failure.error}" for failure in report.failures]
    # The client's own are the failures, which say more.
    said = [
        *failed,
        *(line for source in report.sources[1:] for line in describe_differences(source)),
    ]
    more = [f"and {len(said) - MAX_SHOWN} more, in report.json"] if len(said) > MAX_SHOWN else []
    return [*said[:MAX_SHOWN], *more]


def summary(report: Report) -> str:
    """Return a run in one line."""
    restarts = sum(done.step.startswith("restart") for done in report.steps)
    scalings = len(report.steps) - restarts
    again = ", ".join(f"{count} to {name}" for name, count in report.retries.items())
    judged = "each counted once by everybody" if report.exact else "NOT conserved"
    return (
        f"{report.requests} requests through {restarts} restarts and {scalings} changes of scale:"
        f" {judged}. The load balancer sent again: {again}."
    )
