"""A run on a terminal: a line for each phase, with what it took and what it may take."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ..screen import escape
from .drill import ACTIONS, Drill, healer
from .outcome import Outcome, Report
from .read import Catalogue

# A verdict is a sign and a word before it is a colour.
SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "deviated": ("▲", "yellow"),
    "aborted": ("■", "yellow"),
    "skipped": ("○", "yellow"),
}


class Screen:
    """Shows a run as it goes on; implements `Progress`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting")
        self._heal = "none"

    def __enter__(self) -> Screen:
        """Begin to show what is waited for."""
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the lines, and no more."""
        self._status.stop()

    def note(self, sentence: str) -> None:
        """Show a sentence about the run as a whole."""
        self._console.print(f"[yellow]![/] {escape(sentence)}")

    def begin(self, drill: Drill, place: tuple[int, int]) -> None:
        """Show what is about to break."""
        self._heal = drill.expect.heal
        number, count = place
        self._console.print(
            f"[bold]{escape(drill.alert)}[/] [dim]{number}/{count}[/] {escape(drill.says)}"
        )

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """Show what is waited for, and how long it may still take."""
        self._status.update(f"waiting to be {phase}: {elapsed:.0f} of {limit:.0f} s")

    def reached(self, phase: str, elapsed: float, limit: float) -> None:
        """Show a phase that was reached."""
        more = self._more(phase)
        self._console.print(f"  {phase:<9}{elapsed:6.1f} s  [dim]of {limit:.1f} s{more}[/]")

    def _more(self, phase: str) -> str:
        if phase == "resolved":
            return " since it was healed" if self._heal in ACTIONS else " since the fault ended"
        return f", by {healer(self._heal)}" if phase == "healed" else ""

    def done(self, outcome: Outcome) -> None:
        """Show a verdict."""
        sign, style = SIGNS[outcome.verdict]
        ratio = f", fired at {outcome.ratio:.2f} of the least time" if outcome.ratio else ""
        said = f": {escape(outcome.reason)}" if outcome.reason else ""
        took = f"{outcome.ended - outcome.began:.0f} s"
        self._console.print(
            f"  [{style}]{sign} {outcome.verdict}[/] in {took}{ratio}{said}", soft_wrap=True
        )


def summary(report: Report) -> str:
    """Return a run in one line."""
    counts = [
        f"{count} {verdict}"
        for verdict in SIGNS
        if (count := sum(found.verdict == verdict for found in report.outcomes))
    ]
    minutes, seconds = divmod(round(report.ended - report.began), 60)
    took = f"in {minutes} min {seconds} s"
    if not counts:
        return f"No drill came to its end, {took}."
    return f"{len(report.outcomes)} drills at speed {report.speed:g}: {', '.join(counts)}, {took}."


def listed(catalogue: Catalogue) -> Table:
    """Return the table of all drills."""
    table = Table("Alert", "What is broken", "Fault", box=None, pad_edge=False)
    for drill in catalogue.drills.values():
        table.add_row(*map(escape, (drill.alert, drill.says, str(drill.fault))))
    return table
