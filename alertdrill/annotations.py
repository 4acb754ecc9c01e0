"""Leave notes in Grafana, where it runs, of when something was there and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import requests

from .errors import AlertdrillError
from .runtimes import Runtime

MS = 1000
# Grafana answers within some milliseconds; a note is not worth a longer wait.
TIMEOUT = 5.0
# By this one every dashboard finds what is ours.
OURS = "alertdrill"


class AnnotationError(AlertdrillError):
    """Grafana runs and takes no note."""


@dataclass(frozen=True)
class Note:
    """What to note: from `began` to `ended`, in seconds since 1970."""

    began: float
    ended: float
    tags: Sequence[str]
    text: str


def leave(runtime: Runtime, note: Note) -> bool:
    """Leave a note and return True; without a Grafana that runs, return False.

    Raises `AnnotationError`, or the engine's error, where Grafana does not take it.
    """
    if not any(one.service == "grafana" and one.pid for one in runtime.status()):
        return False
    token = runtime.grafana_token()
    if not token:
        raise AnnotationError(
            "Grafana has given no token for notes: it is asked again with `make up`."
        )
    _send(runtime.address("grafana"), token, note)
    return True


def _send(grafana: str, token: str, note: Note) -> None:
    sent = {
        "time": round(note.began * MS),
        "timeEnd": round(note.ended * MS),
        "tags": [OURS, *note.tags],
        "text": note.text,
    }
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the host for the loopback
            answer = session.post(
                f"{grafana}/api/annotations",
                json=sent,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT,
            )
            answer.raise_for_status()
    except requests.RequestException as error:
        raise AnnotationError(f"Grafana took no note ({error}).") from error
