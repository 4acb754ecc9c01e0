"""Ask the responder what it was told, what it decided and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .ask import get, moment


@dataclass(frozen=True)
class Told:
    """One alert of one notification in the responder's journal."""

    alert: str
    status: str
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    at: float


@dataclass(frozen=True)
class Acted:
    """An action of the responder, only said if `dry_run`; `ended` is None while it goes on."""

    alert: str
    kind: str
    service: str
    target: str
    state: str
    began: float
    ended: float | None
    dry_run: bool = False


class Journal:
    """The responder's journal, at the responder's `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def told(self, since: float, **filters: str) -> list[Told]:
        """Return the alerts that it was told of for the first time since then, oldest first."""
        found = get(f"{self._url}/notifications", since=f"{since:.3f}", limit="1000", **filters)
        return [
            Told(
                alert["alert"],
                alert["status"],
                alert["severity"] or "",
                alert["labels"],
                alert["annotations"],
                moment(notification["received_at"]),
            )
            for notification in reversed(found)
            for alert in notification["alerts"]
        ]

    def actions(self, since: float) -> list[Acted]:
        """Return what the responder did since then, oldest first."""
        found = get(f"{self._url}/actions", limit="1000")
        acted = [
            Acted(
                alert=one["alert"],
                kind=one["kind"],
                service=one["service"],
                target=one["target"],
                state=one["state"],
                began=moment(one["began"]),
                ended=None if one["ended"] is None else moment(one["ended"]),
                dry_run=one["dry_run"],
            )
            for one in reversed(found)
        ]
        return [one for one in acted if one.began >= since]

    def decided(self, alert: str, since: float) -> str:
        """Return the reason of the newest decision about an alert since then, if there is one."""
        for one in get(f"{self._url}/decisions", limit="1000"):
            if one["alert"] == alert and moment(one["decided_at"]) >= since:
                return str(one["reason"])
        return ""
