"""What a run tells while it goes on."""

from __future__ import annotations

from typing import Protocol

from .drill import Drill
from .outcome import Outcome


class Progress(Protocol):
    """Somebody who watches a run; elapsed times and limits are in seconds."""

    def note(self, sentence: str) -> None:
        """Hear a sentence about the run as a whole."""
        ...

    def begin(self, drill: Drill, place: tuple[int, int]) -> None:
        """See a drill begin; `place` is (its number, how many there are)."""
        ...

    def waiting(self, phase: str, elapsed: float, limit: float) -> None:
        """See it wait, several times a second."""
        ...

    def reached(self, phase: str, elapsed: float, limit: float) -> None:
        """See it reach a phase."""
        ...

    def done(self, outcome: Outcome) -> None:
        """See its verdict."""
        ...
