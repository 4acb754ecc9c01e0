"""Annotate Grafana with each decision and action."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Full, Queue
from threading import Thread

import requests

from .action_store import ActionRecord
from .planner import Decision
from .snapshot import AlertTarget

# As many as an alert storm causes; more annotations would hide each other.
MAX_QUEUED = 500
TIMEOUT_S = (0.5, 3.0)
MS = 1000
# Grafana's token is written some seconds after Grafana is ready; until then annotations wait.
TOKEN_POLL_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


class GrafanaAnnotator:
    """Posts to the Grafana at `url` in the background, so that Grafana never delays healing.

    It reads the token for each annotation: the file may appear later and be replaced.
    """

    def __init__(self, url: str, token: Path) -> None:
        self._url = f"{url.rstrip('/')}/api/annotations"
        self._token = token
        self._queue: Queue[Mapping[str, object]] = Queue(MAX_QUEUED)
        self._failing = False
        Thread(target=self._run, name="annotations", daemon=True).start()

    def on_decision(self, target: AlertTarget, decision: Decision) -> None:
        """Annotate a decision at the current time."""
        name = decision.target or target.instance or target.service
        self._put(
            {
                "time": round(time.time() * MS),
                "tags": ["alertdrill", "decision", decision.code],
                "text": f"{target.alert}: {decision.action} {name}: {decision.reason}",
            }
        )

    def on_action_finished(self, record: ActionRecord, state: str, message: str) -> None:
        """Annotate the time from an action's start to its end."""
        action = record.action
        text = f"{record.alert}: {action.kind} {action.target}: {state} {message}".strip()
        self._put(
            {
                "time": round(action.started_at * MS),
                "timeEnd": round(time.time() * MS),
                "tags": ["alertdrill", "action", action.kind, state],
                "text": text,
            }
        )

    def _put(self, annotation: Mapping[str, object]) -> None:
        try:
            self._queue.put_nowait(annotation)
        except Full:
            log.warning("Dropped an annotation: %d already wait for Grafana.", MAX_QUEUED)

    def _run(self) -> None:
        while True:
            annotation = self._queue.get()
            while not self._read_token():
                time.sleep(TOKEN_POLL_INTERVAL_S)
            self.post(annotation)

    def _read_token(self) -> str:
        """Return the token, empty if the file does not exist yet."""
        try:
            return self._token.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def post(self, annotation: Mapping[str, object]) -> bool:
        """Send an annotation; return whether Grafana accepted it. Log when that changes."""
        headers = {"Authorization": f"Bearer {self._read_token()}"}
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.post(
                    self._url, json=annotation, headers=headers, timeout=TIMEOUT_S
                )
                response.raise_for_status()
            failing, message = False, "Grafana accepts annotations."
        except requests.RequestException as error:
            failing, message = True, f"Grafana accepts no annotations: {error}."
        if failing != self._failing:
            log.log(logging.WARNING if failing else logging.INFO, "%s", message)
        self._failing = failing
        return not failing
