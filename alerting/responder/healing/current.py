"""What fires now, as the notifications tell: kept in the journal, in the same transaction.

Beside what is `firing` and `resolved` there is what is `lost`: Alertmanager holds it no more and
has not said so. It may come back as it was, for Alertmanager forgets alerts when it restarts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from .. import schema
from ..payload import Alert
from ..timestamps import format_rfc3339, parse_rfc3339
from .alertmanager import Held
from .world import Sick

# For so long, a late word about what was resolved is known for late.
REMEMBERED = timedelta(days=1)
PUT = """
INSERT INTO active_alerts (fingerprint, alert, labels, status, starts_at, last_notified_at)
VALUES (:fingerprint, :alert, :labels, :status, :starts_at, :now)
ON CONFLICT (fingerprint) DO UPDATE SET
    status = excluded.status, starts_at = excluded.starts_at,
    last_notified_at = excluded.last_notified_at,
    taken_over = CASE starts_at WHEN excluded.starts_at THEN taken_over ELSE 0 END
-- What began earlier was late on its way, and so is what still fires once it was resolved.
WHERE excluded.starts_at > starts_at OR (excluded.starts_at = starts_at AND status <> 'resolved')
"""


@dataclass(frozen=True)
class Firing:
    """An alert that fires; `taken_over` says that a human has cancelled what was done about it."""

    fingerprint: str
    sick: Sick
    taken_over: bool


def observe(connection: sqlite3.Connection, alerts: Iterable[Alert], now: datetime) -> None:
    """Note what a notification says, however often and in whatever order it comes."""
    connection.executemany(PUT, [_row(alert, alert.status, now) for alert in alerts])
    connection.execute(
        "DELETE FROM active_alerts WHERE status <> 'firing' AND last_notified_at < ?",
        (format_rfc3339(now - REMEMBERED),),
    )


class Current:
    """What fires now, of the journal in a file; every method raises `JournalError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def firing(self) -> list[Firing]:
        """Return what fires, the oldest first."""
        with schema.connect(self._path) as connection:
            rows = connection.execute(
                "SELECT * FROM active_alerts WHERE status = 'firing'"
                " ORDER BY starts_at, fingerprint"
            ).fetchall()
        return [_firing(dict(row)) for row in rows]

    def lose(self, fingerprints: Iterable[str]) -> None:
        """Take alerts for over of which nobody has said so."""
        with schema.transaction(self._path) as connection:
            connection.executemany(
                "UPDATE active_alerts SET status = 'lost' WHERE fingerprint = ?",
                [(fingerprint,) for fingerprint in fingerprints],
            )

    def take_up(self, held: Iterable[Held], now: datetime) -> list[Held]:
        """Take alerts for firing of which no notification came; return those it was new for."""
        with schema.transaction(self._path) as connection:
            return [
                each
                for each in held
                if connection.execute(PUT, _row(each, "firing", now)).rowcount == 1
            ]

    def take_over(self, fingerprint: str) -> None:
        """Leave an alert to a human for as long as it fires."""
        with schema.transaction(self._path) as connection:
            connection.execute(
                "UPDATE active_alerts SET taken_over = 1 WHERE fingerprint = ?", (fingerprint,)
            )


def _row(alert: Alert | Held, status: str, now: datetime) -> dict[str, str]:
    return {
        "fingerprint": alert.fingerprint,
        "alert": alert.name,
        "labels": orjson.dumps(dict(alert.labels)).decode(),
        "status": status,
        "starts_at": format_rfc3339(alert.starts_at),
        "now": format_rfc3339(now),
    }


def _firing(row: dict[str, Any]) -> Firing:
    since, heard = (
        parse_rfc3339(row[name]).timestamp() for name in ("starts_at", "last_notified_at")
    )
    sick = Sick(row["alert"], orjson.loads(row["labels"]), since, heard)
    return Firing(row["fingerprint"], sick, bool(row["taken_over"]))
