"""The store of notifications: each is on disk before it is acknowledged, and stored once."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from . import db
from .errors import DatabaseError
from .healing.alert_state_store import record_alerts
from .notification_filters import Filters
from .timestamps import format_rfc3339, parse_rfc3339
from .webhook_payload import Alert, Notification

INSERT = """
INSERT INTO notifications
    (digest, status, receiver, group_key, received_at, last_received_at, payload)
VALUES (:digest, :status, :receiver, :group_key, :now, :now, :payload)
ON CONFLICT (digest) DO UPDATE SET
    deliveries = deliveries + 1,
    last_received_at = max(last_received_at, excluded.last_received_at)
RETURNING id, deliveries
"""
INSERT_ALERT = "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SUMMARY = "id, status, receiver, group_key, received_at, last_received_at, deliveries"
ALERT = "alert, status, service, instance, severity, starts_at, ends_at, labels, annotations"

Row = dict[str, Any]


@dataclass(frozen=True)
class DeliveryReceipt:
    """The id of a notification, and whether it had been delivered before."""

    id: int
    duplicate: bool


class NotificationStore:
    """The notifications in an SQLite file, shared by threads and processes.

    Each call opens and closes its own connection. Every method raises `DatabaseError` if the file
    cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        db.prepare(path)
        weakref.finalize(self, db.keep_open(path).close)

    def record(self, notification: Notification, now: datetime) -> DeliveryReceipt:
        """Store a notification, or count a repeated delivery; durable on return."""
        with db.transaction(self.path) as connection:
            return _insert(connection, notification, now)

    def record_change(self, notification: Notification, now: datetime) -> bool:
        """Store a notification unless the newest of its group has the same status.

        A group without notifications counts as resolved. Returns whether it was stored, so that
        only one of several workers reports a change.
        """
        with db.transaction(self.path) as connection:
            newest = connection.execute(
                "SELECT status FROM notifications WHERE group_key = ? ORDER BY id DESC LIMIT 1",
                (notification.group_key,),
            ).fetchone()
            if notification.status == (newest["status"] if newest else "resolved"):
                return False
            _insert(connection, notification, now)
            return True

    def find(self, filters: Filters) -> list[Row]:
        """Return the notifications that match, newest first, without their payloads."""
        where, values = _conditions(filters)
        return self._rows(f"WHERE {where} ORDER BY id DESC LIMIT ?", (*values, filters.limit))

    def get(self, notification_id: int) -> Row | None:
        """Return a notification with its payload, None if it does not exist."""
        rows = self._rows("WHERE id = ?", (notification_id,), f"{SUMMARY}, payload")
        for row in rows:
            row["payload"] = orjson.loads(row["payload"])
        return rows[0] if rows else None

    def newest(self, group_key: str) -> Row | None:
        """Return the newest notification of a group, None if there is none."""
        rows = self._rows("WHERE group_key = ? ORDER BY id DESC LIMIT 1", (group_key,))
        return rows[0] if rows else None

    def last_firing(self, alert: str) -> datetime | None:
        """Return when an alert was last received as firing, None if never."""
        with db.connect(self.path) as connection:
            (last,) = connection.execute(
                "SELECT max(last_received_at) FROM notifications WHERE id IN "
                "(SELECT notification_id FROM alerts WHERE alert = ? AND status = 'firing')",
                (alert,),
            ).fetchone()
        return None if last is None else parse_rfc3339(last)

    def check_writable(self, now: datetime) -> str | None:
        """Write to the database; return None on success, else a sentence with the reason."""
        try:
            with db.transaction(self.path) as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO write_checks VALUES (1, ?)", (format_rfc3339(now),)
                )
        except DatabaseError as error:
            return str(error)
        return None

    def _rows(self, rest: str, values: Sequence[object], columns: str = SUMMARY) -> list[Row]:
        with db.connect(self.path) as connection:
            rows = connection.execute(f"SELECT {columns} FROM notifications {rest}", values)  # noqa: S608 - constants; values are bound
            notifications = {row["id"]: {**dict(row), "alerts": []} for row in rows}
            for row in connection.execute(
                f"SELECT notification_id, {ALERT} FROM alerts "  # noqa: S608 - constants
                "WHERE notification_id IN (SELECT value FROM json_each(?)) ORDER BY rowid",
                (orjson.dumps(list(notifications)).decode(),),
            ):
                alert = dict(row)
                notifications[alert.pop("notification_id")]["alerts"].append(_parse_alert(alert))
        return list(notifications.values())


def _conditions(filters: Filters) -> tuple[str, tuple[str, ...]]:
    conditions, values = ["1"], tuple(value for _, value in filters.columns)
    if filters.columns:
        columns = " AND ".join(f"{name} = ?" for name, _ in filters.columns)
        conditions.append(f"id IN (SELECT notification_id FROM alerts WHERE {columns})")  # noqa: S608 - names from a fixed list
    if filters.since:
        conditions.append("received_at >= ?")
        values += (format_rfc3339(filters.since),)
    return " AND ".join(conditions), values


def _insert(
    connection: sqlite3.Connection, notification: Notification, now: datetime
) -> DeliveryReceipt:
    values = {
        "digest": notification.digest,
        "status": notification.status,
        "receiver": notification.receiver,
        "group_key": notification.group_key,
        "now": format_rfc3339(now),
        "payload": notification.payload,
    }
    notification_id, deliveries = connection.execute(INSERT, values).fetchone()
    if deliveries == 1:
        rows = [(notification_id, *_alert_row(alert)) for alert in notification.alerts]
        connection.executemany(INSERT_ALERT, rows)
    record_alerts(connection, notification.alerts, now)
    return DeliveryReceipt(id=notification_id, duplicate=deliveries > 1)


def _alert_row(alert: Alert) -> tuple[str | None, ...]:
    labels = alert.labels
    return (
        alert.fingerprint,
        alert.name,
        alert.status,
        # To Prometheus an empty label is the same as a missing one.
        *(labels.get(name) or None for name in ("service", "instance", "severity")),
        format_rfc3339(alert.starts_at),
        format_rfc3339(alert.ends_at) if alert.ends_at else None,
        orjson.dumps(dict(labels)).decode(),
        orjson.dumps(dict(alert.annotations)).decode(),
    )


def _parse_alert(row: Row) -> Row:
    return row | {name: orjson.loads(row[name]) for name in ("labels", "annotations")}
