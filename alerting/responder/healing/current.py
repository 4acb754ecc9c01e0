"""What fires now, as the notifications tell: kept in the journal, in the same transaction."""

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
from .world import Sick

# For so long, a late word about what was resolved is known for late.
REMEMBERED = timedelta(days=1)
PUT = """
INSERT INTO current (fingerprint, alert, labels, status, starts_at, heard_at)
VALUES (:fingerprint, :alert, :labels, :status, :starts_at, :now)
ON CONFLICT (fingerprint) DO UPDATE SET
    status = excluded.status, starts_at = excluded.starts_at, heard_at = excluded.heard_at,
    taken_over = CASE starts_at WHEN excluded.starts_at THEN taken_over ELSE 0 END
-- What began earlier was late on its way, and so is what still fires once it was resolved.
WHERE excluded.starts_at > starts_at OR (excluded.starts_at = starts_at AND status = 'firing')
"""


@dataclass(frozen=True)
class Firing:
    """An alert that fires; `taken_over` says that a human has cancelled what was done about it."""

    fingerprint: str
    sick: Sick
    taken_over: bool


def observe(connection: sqlite3.Connection, alerts: Iterable[Alert], now: datetime) -> None:
    """Note what a notification says, however often and in whatever order it comes."""
    connection.executemany(
        PUT,
        [
            {
                "fingerprint": alert.fingerprint,
                "alert": alert.name,
                "labels": orjson.dumps(dict(alert.labels)).decode(),
                "status": alert.status,
                "starts_at": format_rfc3339(alert.starts_at),
                "now": format_rfc3339(now),
            }
            for alert in alerts
        ],
    )
    connection.execute(
        "DELETE FROM current WHERE status = 'resolved' AND heard_at < ?",
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
                "SELECT * FROM current WHERE status = 'firing' ORDER BY starts_at, fingerprint"
            ).fetchall()
        return [_firing(dict(row)) for row in rows]

    def resolve(self, fingerprints: Iterable[str]) -> None:
        """Take alerts for resolved whose last notification never came."""
        with schema.transaction(self._path) as connection:
            connection.executemany(
                "UPDATE current SET status = 'resolved' WHERE fingerprint = ?",
                [(fingerprint,) for fingerprint in fingerprints],
            )

    def take_over(self, fingerprint: str) -> None:
        """Leave an alert to a human for as long as it fires."""
        with schema.transaction(self._path) as connection:
            connection.execute(
                "UPDATE current SET taken_over = 1 WHERE fingerprint = ?", (fingerprint,)
            )


def _firing(row: dict[str, Any]) -> Firing:
    since, heard = (parse_rfc3339(row[name]).timestamp() for name in ("starts_at", "heard_at"))
    sick = Sick(row["alert"], orjson.loads(row["labels"]), since, heard)
    return Firing(row["fingerprint"], sick, bool(row["taken_over"]))
