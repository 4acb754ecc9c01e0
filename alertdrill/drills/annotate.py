"""Leave a note in Grafana, where it runs, of when a drill was there and how it went."""

from __future__ import annotations

from ..annotations import Note, leave
from ..errors import AlertdrillError
from ..runtimes import Runtime
from .outcome import Outcome
from .progress import Progress


class Annotations:
    """Notes each drill of a run; what Grafana does not take is told once, and fails no drill."""

    def __init__(self, runtime: Runtime, progress: Progress) -> None:
        self._runtime = runtime
        self._progress = progress
        self._failing = False

    def note(self, outcome: Outcome) -> None:
        """Leave a note of a drill that was made, with its alert and verdict as tags."""
        if self._failing or outcome.verdict == "skipped":
            return
        tags = ["drill", outcome.alert, outcome.verdict]
        try:
            leave(self._runtime, Note(outcome.began, outcome.ended, tags, words(outcome)))
        except AlertdrillError as error:
            self._failing = True
            self._progress.note(str(error))


def words(outcome: Outcome) -> str:
    """Return what the note says."""
    reason = f": {outcome.reason.rstrip('.')}" if outcome.reason else ""
    return f"Drill {outcome.alert}: {outcome.says} {outcome.verdict.capitalize()}{reason}."
