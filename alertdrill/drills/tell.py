"""Tell the responder of the stack that is up how each drill went; its metrics show it from then."""

from __future__ import annotations

from datetime import UTC, datetime

from ..errors import AlertdrillError
from ..runtimes import Runtime
from .orders import order
from .outcome import Outcome
from .progress import Progress


class Results:
    """Tells of each drill of a run, also of one on a stack of its own, where `watched` is up.

    What it does not take is told once, and fails no drill: the report has it all.
    """

    def __init__(self, watched: Runtime, progress: Progress) -> None:
        self._watched = watched
        self._progress = progress
        self._failing = False

    def tell(self, outcome: Outcome, speed: float) -> None:
        """Tell of a drill that was made, on a stack at that speed."""
        if outcome.verdict == "skipped":
            return
        try:
            if any(one.service == "responder" and one.pid for one in self._watched.status()):
                order(self._watched, "/drills", document(outcome, speed))
        except AlertdrillError as error:
            if not self._failing:
                self._progress.note(f"The responder took no word of a drill: {error}")
            self._failing = True


def document(outcome: Outcome, speed: float) -> dict[str, object]:
    """Return what is told: the outcome's own names, and moments as RFC 3339."""
    return {
        "alert": outcome.alert,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "speed": speed,
        "began": _moment(outcome.began),
        "ended": _moment(outcome.ended),
        # A clock that was set back meanwhile gives less than nothing.
        "times": {phase: max(0.0, seconds) for phase, seconds in outcome.times.items()},
        "limits": dict(outcome.limits),
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
