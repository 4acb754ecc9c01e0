"""Client of the responder: the alerts it received, its decisions and its actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

import requests
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from .http import UnreachableError, get_json, request
from .prometheus import parse_time

# The responder answers in milliseconds, once a request is on disk; after 5 s it reports that its
# disk fails.
POST_TIMEOUT_S = 6.0
# The group key of what the responder did not receive, and found in Alertmanager.
ADOPTED = "responder/adopted"
# A time that the responder writes in RFC 3339 format.
Time = Annotated[float, BeforeValidator(lambda text: parse_time(str(text)))]
T = TypeVar("T")


@dataclass(frozen=True)
class ReceivedAlert:
    """One alert of a notification that the responder received."""

    alert: str
    status: str
    severity: Annotated[str, BeforeValidator(lambda severity: severity or "")]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    received_at: float = 0.0


@dataclass(frozen=True)
class _Notification:
    received_at: Time
    group_key: str
    alerts: Sequence[ReceivedAlert]


@dataclass(frozen=True)
class PerformedAction:
    """An action of the responder; `ended` is None while it runs, `dry_run` changes nothing."""

    alert: str
    kind: str
    service: str
    target: str
    state: str
    began: Annotated[Time, Field(validation_alias="started_at")]
    ended: Annotated[Time | None, Field(validation_alias="finished_at")]
    dry_run: bool = False


class ResponderClient:
    """The responder at `url`; only what changes its state needs its operators' `token`.

    Every method raises `UnreachableError` if the responder does not answer, or refuses.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._token = token

    def received_alerts(self, since: float, **filters: str) -> list[ReceivedAlert]:
        """Return the alerts of notifications first received since a time, oldest first.

        Alerts that the responder adopted are no proof of a delivery, and are left out.
        """
        url = f"{self._url}/notifications"
        rows = get_json(url, {"since": f"{since:.3f}", "limit": "1000", **filters})
        return [
            replace(alert, received_at=notification.received_at)
            for notification in reversed(_parse(url, list[_Notification], rows))
            if notification.group_key != ADOPTED
            for alert in notification.alerts
        ]

    def actions(self, since: float) -> list[PerformedAction]:
        """Return the actions that began since a time, oldest first."""
        url = f"{self._url}/actions"
        actions = _parse(url, list[PerformedAction], get_json(url, {"limit": "1000"}))
        return [action for action in reversed(actions) if action.began >= since]

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

    def close_circuit(self, service: str) -> None:
        """Let the responder act on a service again; harmless if it never acted on it."""
        try:
            self._post(f"/circuits/{service}/close")
        except UnreachableError as error:
            if error.status != requests.codes.not_found:
                raise

    def add_drill_result(self, result: Mapping[str, object]) -> None:
        """Send the result of a drill, for the responder's metrics."""
        self._post("/drills", result)

    def _post(self, path: str, body: object = None) -> None:
        request("POST", f"{self._url}{path}", timeout=POST_TIMEOUT_S, token=self._token, json=body)


def _parse(url: str, kind: type[T], rows: object) -> T:
    try:
        return TypeAdapter(kind).validate_python(rows)
    except ValidationError as error:
        raise UnreachableError(
            f"{url} answers in an unknown format ({error}): another version runs there."
        ) from error
