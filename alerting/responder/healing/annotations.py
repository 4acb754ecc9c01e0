"""Leave a mark in Grafana of each decision and action, where Grafana runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Full, Queue
from threading import Thread

import requests

from .decide import Decision
from .deeds import Deed
from .world import Sick

# A storm's worth; more would be marks upon marks.
WAITING = 500
TIMEOUT = (0.5, 3.0)
MS = 1000
# Grafana gives a token some seconds after it serves. Until then marks wait, each look this long.
LOOK = 1.0

log = logging.getLogger(__name__)


class Annotations:
    """Posts to the Grafana at `url`, in the background: whatever it does, healing goes on.

    The token is read anew for each mark: it may come later than we do, and be replaced.
    """

    def __init__(self, url: str, token: Path) -> None:
        self._url = f"{url.rstrip('/')}/api/annotations"
        self._token = token
        self._waiting: Queue[Mapping[str, object]] = Queue(WAITING)
        self._failing = False
        Thread(target=self._run, name="annotations", daemon=True).start()

    def on_decision(self, sick: Sick, decision: Decision) -> None:
        """Mark a decision at its moment."""
        who = decision.target or sick.instance or sick.service
        self._put(
            {
                "time": round(time.time() * MS),
                "tags": ["alertdrill", "decision", decision.code],
                "text": f"{sick.alert}: {decision.action} {who}: {decision.reason}",
            }
        )

    def on_action_finished(self, deed: Deed, state: str, said: str) -> None:
        """Mark an action from its beginning to its end."""
        action = deed.action
        text = f"{deed.alert}: {action.kind} {action.target}: {state} {said}".strip()
        self._put(
            {
                "time": round(action.started_at * MS),
                "timeEnd": round(time.time() * MS),
                "tags": ["alertdrill", "action", action.kind, state],
                "text": text,
            }
        )

    def _put(self, mark: Mapping[str, object]) -> None:
        try:
            self._waiting.put_nowait(mark)
        except Full:
            log.warning("An annotation is dropped: %d wait for Grafana.", WAITING)

    def _run(self) -> None:
        while True:
            mark = self._waiting.get()
            while not self._known():
                time.sleep(LOOK)
            self.post(mark)

    def _known(self) -> str:
        """Return the token, empty where there is none yet."""
        try:
            return self._token.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def post(self, mark: Mapping[str, object]) -> bool:
        """Send one; return whether Grafana took it. A change of that is logged."""
        headers = {"Authorization": f"Bearer {self._known()}"}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(self._url, json=mark, headers=headers, timeout=TIMEOUT)
                answer.raise_for_status()
            failing, said = False, "Grafana takes annotations."
        except requests.RequestException as error:
            failing, said = True, f"Grafana takes no annotations: {error}."
        if failing != self._failing:
            log.log(logging.WARNING if failing else logging.INFO, "%s", said)
        self._failing = failing
        return not failing
