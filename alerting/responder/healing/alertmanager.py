"""Alertmanager, asked what it holds: its last word, or its first, may have got lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from ..timestamps import parse_rfc3339

# It answers within milliseconds; while it does not, notifications are taken at their word.
TIMEOUT = (0.5, 2.0)
# What we are called in alertmanager.yml. What is routed to others alone is none of our business.
RECEIVER = "responder"


@dataclass(frozen=True)
class Held:
    """An alert that Alertmanager holds as firing.

    `tells` says whether it tells us of it: not if the alert is silenced or inhibited, or is for
    others.
    """

    fingerprint: str
    labels: Mapping[str, str]
    starts_at: datetime
    silenced: bool
    tells: bool

    @property
    def name(self) -> str:
        """Return its name."""
        return self.labels["alertname"]


class Alertmanager:
    """The API at `url`: https://prometheus.io/docs/alerting/latest/management_api/ is beside it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def holds(self) -> Mapping[str, Held] | None:
        """Return every alert that fires, by its fingerprint; None while it can't be asked."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(f"{self._url}/api/v2/alerts", timeout=TIMEOUT)
                answer.raise_for_status()
                held = [_held(alert) for alert in answer.json()]
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None
        return {each.fingerprint: each for each in held}


def _held(alert: Mapping[str, Any]) -> Held:
    status, labels = alert["status"], dict(alert["labels"])
    return Held(
        fingerprint=alert["fingerprint"],
        labels={"alertname": "", **labels},
        starts_at=parse_rfc3339(alert["startsAt"]),
        silenced=bool(status["silencedBy"]),
        tells=status["state"] == "active"
        and any(each["name"] == RECEIVER for each in alert["receivers"]),
    )
