"""Client of the responder: the alerts it received, its decisions and its actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests

from ..errors import AlertdrillError
from ..runtimes import Runtime
from .clients import get_json, parse_time

# The responder answers in milliseconds, once a request is on disk; after 5 s it reports that its
# disk fails.
POST_TIMEOUT_S = 6.0


@dataclass(frozen=True)
class ReceivedAlert:
    """One alert of a notification that the responder received."""

    alert: str
    status: str
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    received_at: float


@dataclass(frozen=True)
class PerformedAction:
    """An action of the responder; `ended` is None while it runs, `dry_run` changes nothing."""

    alert: str
    kind: str
    service: str
    target: str
    state: str
    began: float
    ended: float | None
    dry_run: bool = False


class ResponderClient:
    """Reads the responder's API at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        """Return the alerts of notifications first received since a time, oldest first."""
        url = f"{self._url}/notifications"
        notifications = get_json(url, since=f"{since:.3f}", limit="1000", **filters)
        return [
            ReceivedAlert(
                alert["alert"],
                alert["status"],
                alert["severity"] or "",
                alert["labels"],
                alert["annotations"],
                parse_time(notification["received_at"]),
            )
            for notification in reversed(notifications)
            for alert in notification["alerts"]
        ]

    def actions(self, since: float) -> list[PerformedAction]:
        """Return the actions that began since a time, oldest first."""
        rows = get_json(f"{self._url}/actions", limit="1000")
        actions = [
            PerformedAction(
                alert=row["alert"],
                kind=row["kind"],
                service=row["service"],
                target=row["target"],
                state=row["state"],
                began=parse_time(row["started_at"]),
                ended=None if row["finished_at"] is None else parse_time(row["finished_at"]),
                dry_run=row["dry_run"],
            )
            for row in reversed(rows)
        ]
        return [action for action in actions if action.began >= since]

    def decision_reason(self, alert: str, since: float) -> str:
        """Return the reason of the newest decision about an alert since a time, or ""."""
        for decision in get_json(f"{self._url}/decisions", limit="1000"):
            if decision["alert"] == alert and parse_time(decision["decided_at"]) >= since:
                return str(decision["reason"])
        return ""


def post(runtime: Runtime, path: str, body: object = None) -> None:
    """Post `body` as JSON to a path of the responder; raise `AlertdrillError` if it refuses."""
    url = f"{runtime.address('responder')}{path}"
    headers = {"Authorization": f"Bearer {runtime.responder_token()}"}
    try:
        with requests.Session() as session:
            session.trust_env = False  # do not use the host's proxy for the loopback
            response = session.post(url, json=body, headers=headers, timeout=POST_TIMEOUT_S)
    except requests.RequestException as error:
        raise AlertdrillError(f"{url} does not answer: {error}.") from error
    if not response.ok:
        raise AlertdrillError(f"{url} answers {response.status_code}.")
