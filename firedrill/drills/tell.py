"""Tell the responder of the stack that is up how each drill went; its metrics show it from then."""

from __future__ import annotations

from datetime import UTC, datetime

import requests

from ..errors import FiredrillError
from ..runtimes import Runtime
from .outcome import Outcome
from .progress import Progress

# The responder answers once it is on disk, within some milliseconds; after 5 s the disk is broken.
TIMEOUT = 6.0


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
                self._send(document(outcome, speed))
        except FiredrillError as error:
            if not self._failing:
                self._progress.note(str(error))
            self._failing = True

    def _send(self, told: dict[str, object]) -> None:
        url = f"{self._watched.address('responder')}/drills"
        token = {"Authorization": f"Bearer {self._watched.responder_token()}"}
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy of the host for the loopback
                session.post(url, json=told, headers=token, timeout=TIMEOUT).raise_for_status()
        except requests.RequestException as error:
            raise FiredrillError(f"The responder took no word of a drill ({error}).") from error


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
