"""Publish each drill's result: to the responder, for its metrics, and to Grafana's dashboards."""

from __future__ import annotations

from datetime import UTC, datetime

from ..annotations import Annotation, post_annotation
from ..clients.responder import ResponderClient
from ..errors import AlertdrillError
from ..runtimes import Runtime
from .context import DrillProgress
from .result import DrillResult


class ResultPublisher:
    """Sends results to the responder of the user's stack, if it runs.

    A refusal is shown once and fails no drill: the report has every result.
    """

    def __init__(self, runtime: Runtime, progress: DrillProgress) -> None:
        self._runtime = runtime
        self._progress = progress
        self._failing = False

    def publish(self, result: DrillResult, speed: float) -> None:
        """Send the result of a drill that ran at that speed; a skipped drill has none."""
        if result.verdict == "skipped":
            return
        try:
            instances = self._runtime.status()
            if any(instance.service == "responder" and instance.pid for instance in instances):
                url, token = self._runtime.address("responder"), self._runtime.responder_token()
                ResponderClient(url, token).add_drill_result(document(result, speed))
        except AlertdrillError as error:
            if not self._failing:
                self._progress.note(f"The responder did not accept a drill's result: {error}")
            self._failing = True


def document(result: DrillResult, speed: float) -> dict[str, object]:
    """Return a result as the responder's JSON, with times in RFC 3339 format."""
    return {
        "alert": result.alert,
        "verdict": result.verdict,
        "reason": result.reason,
        "speed": speed,
        "started_at": _rfc3339(result.began),
        "finished_at": _rfc3339(result.ended),
        # A clock that was set back during the drill gives negative durations.
        "phase_seconds": {phase: max(0.0, seconds) for phase, seconds in result.times.items()},
        "deadlines": dict(result.limits),
    }


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class AnnotationPublisher:
    """Annotates Grafana's dashboards, if Grafana runs.

    A refusal is shown once and fails no drill.
    """

    def __init__(self, runtime: Runtime, progress: DrillProgress) -> None:
        self._runtime = runtime
        self._progress = progress
        self._failing = False

    def publish(self, result: DrillResult) -> None:
        """Annotate the span of a drill, with its alert and verdict as tags."""
        if self._failing or result.verdict == "skipped":
            return
        tags = ["drill", result.alert, result.verdict]
        annotation = Annotation(result.began, result.ended, tags, annotation_text(result))
        try:
            post_annotation(self._runtime, annotation)
        except AlertdrillError as error:
            self._failing = True
            self._progress.note(str(error))


def annotation_text(result: DrillResult) -> str:
    """Return an annotation's text: the drill, what it breaks, and its verdict."""
    reason = f": {result.reason.rstrip('.')}" if result.reason else ""
    return f"Drill {result.alert}: {result.description} {result.verdict.capitalize()}{reason}."
