"""Annotate the dashboards of Grafana, if it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .clients.http import UnreachableError, request
from .errors import AlertdrillError
from .runtimes.base import RunningStack

MS = 1000
# Grafana answers in milliseconds; an annotation is not worth a longer wait.
TIMEOUT_S = 5.0
# Dashboards select our annotations by this tag.
TAG = "alertdrill"


class AnnotationError(AlertdrillError):
    """Grafana runs and refuses an annotation."""


@dataclass(frozen=True)
class Annotation:
    """A text for the time from `began` to `ended`, in seconds since 1970."""

    began: float
    ended: float
    tags: Sequence[str]
    text: str


def post_annotation(runtime: RunningStack, annotation: Annotation) -> bool:
    """Post an annotation and return True; return False if Grafana does not run.

    Raise `AnnotationError`, or the runtime's error, if Grafana refuses it.
    """
    if not any(instance.service == "grafana" and instance.pid for instance in runtime.status()):
        return False
    token = runtime.grafana_token()
    if not token:
        raise AnnotationError(
            "There is no token for Grafana's annotations: run `make up` to request a new one."
        )
    _send(runtime.address("grafana"), token, annotation)
    return True


def _send(grafana: str, token: str, annotation: Annotation) -> None:
    body = {
        "time": round(annotation.began * MS),
        "timeEnd": round(annotation.ended * MS),
        "tags": [TAG, *annotation.tags],
        "text": annotation.text,
    }
    try:
        request("POST", f"{grafana}/api/annotations", timeout=TIMEOUT_S, token=token, json=body)
    except UnreachableError as error:
        raise AnnotationError(f"Grafana refused an annotation ({error}).") from error
