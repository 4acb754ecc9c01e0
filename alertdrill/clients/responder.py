"""Client of the responder: the alerts it received, its decisions and its actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from .http import UnreachableError, get_json, request
from .prometheus import parse_time

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
    """The responder at `url`; only what changes its state needs its operators' `token`.

    Every method raises `UnreachableError` if the responder does not answer, or refuses.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._token = token

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        """Return the alerts of notifications first received since a time, oldest first."""
        url = f"{self._url}/notifications"
        notifications = get_json(url, {"since": f"{since:.3f}", "limit": "1000", **filters})
        with _translate_errors(url):
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
        url = f"{self._url}/actions"
        rows = get_json(url, {"limit": "1000"})
        with _translate_errors(url):
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
        for decision in get_json(f"{self._url}/decisions", {"limit": "1000"}):
            if decision["alert"] == alert and parse_time(decision["decided_at"]) >= since:
                return str(decision["reason"])
        return ""

    def misses_watchdog(self) -> bool:
        """Return whether Watchdog has not arrived for too long."""
        try:
            return bool(get_json(f"{self._url}/watchdog")["missing"])
        except UnreachableError as error:
            if error.status != requests.codes.service_unavailable:
                raise
            return True

    def resume_healing(self) -> None:
        """Let the responder act again; harmless if it is not paused."""
        self._post("/resume")

    def add_drill_result(self, result: Mapping[str, object]) -> None:
        """Send the result of a drill, for the responder's metrics."""
        self._post("/drills", result)

    def _post(self, path: str, body: object = None) -> None:
        request("POST", f"{self._url}{path}", timeout=POST_TIMEOUT_S, token=self._token, json=body)


@contextmanager
def _translate_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreachableError(
            f"{url} answers in an unknown format ({error}): another version runs there."
        ) from error
