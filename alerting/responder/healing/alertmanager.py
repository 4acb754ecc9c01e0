"""A client of Alertmanager: the alerts that fire, whether or not a notification arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from ..timestamps import parse_rfc3339

# Connect and read timeouts. It answers within milliseconds; if it does not, notifications count.
TIMEOUT_S = (0.5, 2.0)
# The name of the responder in alertmanager.yml; alerts of other receivers are ignored.
RECEIVER = "responder"


@dataclass(frozen=True)
class AlertmanagerAlert:
    """An alert that fires, as Alertmanager has it.

    `notifies_responder` is false if the alert is silenced, inhibited or routed to other receivers.
    """

    fingerprint: str
    labels: Mapping[str, str]
    starts_at: datetime
    silenced: bool
    notifies_responder: bool

    @property
    def name(self) -> str:
        """Return its name."""
        return self.labels["alertname"]


class AlertmanagerClient:
    """The API at `url`, https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        """Return the alerts that fire by fingerprint; None if Alertmanager does not answer."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                response = session.get(f"{self._url}/api/v2/alerts", timeout=TIMEOUT_S)
                response.raise_for_status()
                alerts = [_parse(alert) for alert in response.json()]
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None
        return {alert.fingerprint: alert for alert in alerts}


def _parse(alert: Mapping[str, Any]) -> AlertmanagerAlert:
    status, labels = alert["status"], dict(alert["labels"])
    return AlertmanagerAlert(
        fingerprint=alert["fingerprint"],
        labels={"alertname": "", **labels},
        starts_at=parse_rfc3339(alert["startsAt"]),
        silenced=bool(status["silencedBy"]),
        notifies_responder=status["state"] == "active"
        and any(receiver["name"] == RECEIVER for receiver in alert["receivers"]),
    )
