"""How a run looks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from .report import Report, complaints

# More than a screen holds helps nobody; report.json has them all.
SHOWN = 20


def table(report: Report) -> Table:
    """Return every party's count and its difference."""
    made = Table("Party", box=None, pad_edge=False)
    for title in ("Counted", "Difference", "Missing", "Doubled", "Sent again"):
        made.add_column(title, justify="right")
    for party in report.parties:
        sign, style = ("✓", "green") if party.exact else ("✗", "bold red")
        made.add_row(
            Text.assemble((f"{sign} ", style), party.name),
            str(party.counted),
            f"{party.difference:+}" if party.difference else "0",
            str(len(party.missing)),
            str(len(party.doubled)),
            str(party.explained),
        )
    return made


def named(report: Report) -> Sequence[str]:
    """Return a sentence for each request that somebody misses or has twice, the first 20."""
    failed = [f"{failure.id} failed: {failure.said}" for failure in report.failures]
    # The client's own are the failures, which say more.
    said = [*failed, *(line for party in report.parties[1:] for line in complaints(party))]
    more = [f"and {len(said) - SHOWN} more, in report.json"] if len(said) > SHOWN else []
    return [*said[:SHOWN], *more]


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
