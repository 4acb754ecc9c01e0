"""The events of a run of drills, for a console or a log."""

from __future__ import annotations

from typing import Protocol

from .model import Drill
from .result import DrillResult


class DrillProgress(Protocol):
    """Receives the events of a run; elapsed times and limits are in seconds."""

    def note(self, sentence: str) -> None:
        """Show a sentence about the run as a whole."""
        ...

    def drill_started(self, drill: Drill, position: tuple[int, int]) -> None:
        """Show that a drill starts; `position` is (its number, the number of drills)."""
        ...

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """Show the phase that the run waits for; called several times a second."""
        ...

    def phase_reached(self, phase: str, elapsed: float, limit: float) -> None:
        """Show a phase that was reached."""
        ...

    def drill_finished(self, result: DrillResult) -> None:
        """Show the verdict of a drill."""
        ...
