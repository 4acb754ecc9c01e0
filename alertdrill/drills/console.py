"""A run of drills on a terminal: one line per phase, with its time and its limit."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ..console import escape
from .context import DrillProgress
from .loader import Catalogue
from .model import ACTIONS, Drill, describe_healer
from .result import DrillResult, Report

# Each verdict has a sign and a word, so that no reader depends on colour.
SIGNS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "deviated": ("▲", "yellow"),
    "aborted": ("■", "yellow"),
    "skipped": ("○", "yellow"),
}


class DrillConsole(DrillProgress):
    """Prints a run as it proceeds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting")
        self._heal = "none"

    def __enter__(self) -> DrillConsole:
        """Start the spinner."""
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the spinner; only the printed lines remain."""
        self._status.stop()

    def note(self, sentence: str) -> None:
        """Print a sentence about the run as a whole."""
        self._console.print(f"[yellow]![/] {escape(sentence)}")

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
        detail = self._detail(phase)
        self._console.print(f"  {phase:<9}{elapsed:6.1f} s  [dim]of {limit:.1f} s{detail}[/]")

    def _detail(self, phase: str) -> str:
        if phase == "resolved":
            return " since it was healed" if self._heal in ACTIONS else " since the fault ended"
        return f", by {describe_healer(self._heal)}" if phase == "healed" else ""

    def drill_finished(self, result: DrillResult) -> None:
        """Print the verdict."""
        sign, style = SIGNS[result.verdict]
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


def summary(report: Report) -> str:
    """Return a run's result in one line."""
    counts = [
        f"{count} {verdict}"
        for verdict in SIGNS
        if (count := sum(result.verdict == verdict for result in report.results))
    ]
    minutes, seconds = divmod(round(report.ended - report.began), 60)
    duration = f"in {minutes} min {seconds} s"
    if not counts:
        return f"No drill finished, {duration}."
    number = len(report.results)
    drills = "drill" if number == 1 else "drills"
    return f"{number} {drills} at speed {report.speed:g}: {', '.join(counts)}, {duration}."


def drill_table(catalogue: Catalogue) -> Table:
    """Return the table of all drills."""
    table = Table("Alert", "Description", "Fault", box=None, pad_edge=False)
    for drill in catalogue.drills.values():
        table.add_row(*map(escape, (drill.alert, drill.description, str(drill.fault))))
    return table
