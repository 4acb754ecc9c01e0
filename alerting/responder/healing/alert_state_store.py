"""The state of each alert in the database, written in the transaction of its notification.

Besides `firing` and `resolved` there is `lost`: Alertmanager no longer has the alert, and no
notification resolved it. A lost alert may fire again, because Alertmanager forgets alerts when it
restarts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from .. import db
from ..timestamps import format_rfc3339, parse_rfc3339
from ..webhook_payload import Alert
from .alertmanager import AlertmanagerAlert
from .snapshot import AlertTarget

# How long a late notification about a resolved alert is recognized as late.
RETENTION = timedelta(days=1)
UPSERT = """
INSERT INTO active_alerts (fingerprint, alert, labels, status, starts_at, last_notified_at)
VALUES (:fingerprint, :alert, :labels, :status, :starts_at, :now)
ON CONFLICT (fingerprint) DO UPDATE SET
    status = excluded.status, starts_at = excluded.starts_at,
    last_notified_at = excluded.last_notified_at,
    taken_over = CASE starts_at WHEN excluded.starts_at THEN taken_over ELSE 0 END
-- An earlier start is a late notification, and so is `firing` after `resolved`.
WHERE excluded.starts_at > starts_at OR (excluded.starts_at = starts_at AND status <> 'resolved')
"""


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that fires; `taken_over` is true after an operator cancelled its action."""

    fingerprint: str
    target: AlertTarget
    taken_over: bool


def record_alerts(connection: sqlite3.Connection, alerts: Iterable[Alert], now: datetime) -> None:
    """Record the alerts of a notification, in any order and any number of times."""
    connection.executemany(UPSERT, [_row(alert, alert.status, now) for alert in alerts])
    connection.execute(
        "DELETE FROM active_alerts WHERE status <> 'firing' AND last_notified_at < ?",
        (format_rfc3339(now - RETENTION),),
    )


class AlertStateStore:
    """The alerts in a database; every method raises `DatabaseError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def firing(self) -> list[ActiveAlert]:
        """Return the alerts that fire, oldest first."""
        with db.connect(self._path) as connection:
            rows = connection.execute(
                "SELECT * FROM active_alerts WHERE status = 'firing'"
                " ORDER BY starts_at, fingerprint"
            ).fetchall()
        return [_active_alert(dict(row)) for row in rows]

    def mark_lost(self, fingerprints: Iterable[str]) -> None:
        """Mark alerts that Alertmanager no longer has."""
        with db.transaction(self._path) as connection:
            connection.executemany(
                "UPDATE active_alerts SET status = 'lost' WHERE fingerprint = ?",
                [(fingerprint,) for fingerprint in fingerprints],
            )

    def adopt(self, alerts: Iterable[AlertmanagerAlert], now: datetime) -> list[AlertmanagerAlert]:
        """Record alerts without a notification as firing; return those that were not."""
        with db.transaction(self._path) as connection:
            return [
                alert
                for alert in alerts
                if connection.execute(UPSERT, _row(alert, "firing", now)).rowcount == 1
            ]

    def take_over(self, fingerprint: str) -> None:
        """Exclude an alert from healing for as long as it fires."""
        with db.transaction(self._path) as connection:
            connection.execute(
                "UPDATE active_alerts SET taken_over = 1 WHERE fingerprint = ?", (fingerprint,)
            )


def _row(alert: Alert | AlertmanagerAlert, status: str, now: datetime) -> dict[str, str]:
    return {
        "fingerprint": alert.fingerprint,
        "alert": alert.name,
        "labels": orjson.dumps(dict(alert.labels)).decode(),
        "status": status,
        "starts_at": format_rfc3339(alert.starts_at),
        "now": format_rfc3339(now),
    }


def _active_alert(row: dict[str, Any]) -> ActiveAlert:
    starts_at, last_notified = (
        parse_rfc3339(row[name]).timestamp() for name in ("starts_at", "last_notified_at")
    )
    target = AlertTarget(row["alert"], orjson.loads(row["labels"]), starts_at, last_notified)
    return ActiveAlert(row["fingerprint"], target, bool(row["taken_over"]))
