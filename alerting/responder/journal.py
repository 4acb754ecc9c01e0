"""The journal: every notification, on disk before it is answered, each stored once."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from . import schema
from .errors import JournalError
from .filters import Filters
from .healing import current
from .payload import Alert, Notification
from .timestamps import format_rfc3339, parse_rfc3339

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

Item = dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """Where a notification is in the journal, and whether it had been there before."""

    id: int
    duplicate: bool


class Journal:
    """The journal in one SQLite file, shared by threads and processes.

    Each call opens a connection of its own and closes it; one stays open, and does nothing. Every
    method raises `JournalError` when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        schema.prepare(path)
        weakref.finalize(self, schema.hold_open(path).close)

    def record(self, notification: Notification, now: datetime) -> Receipt:
        """Store a notification, or count its delivery if it is there; durable on return."""
        with schema.transaction(self.path) as connection:
            return _insert(connection, notification, now)

    def record_change(self, notification: Notification, now: datetime) -> bool:
        """Store a notification unless the newest of its group has its status already.

        A group begins resolved. Returns whether it was stored, so that of several workers that
        see the same change one alone tells of it.
        """
        with schema.transaction(self.path) as connection:
            newest = connection.execute(
                "SELECT status FROM notifications WHERE group_key = ? ORDER BY id DESC LIMIT 1",
                (notification.group_key,),
            ).fetchone()
            if notification.status == (newest["status"] if newest else "resolved"):
                return False
            _insert(connection, notification, now)
            return True

    def find(self, filters: Filters) -> list[Item]:
        """Return the notifications that match, newest first, without their payloads."""
        where, values = _conditions(filters)
        return self._items(f"WHERE {where} ORDER BY id DESC LIMIT ?", (*values, filters.limit))

    def get(self, notification_id: int) -> Item | None:
        """Return one notification with its payload, None if there is none."""
        items = self._items("WHERE id = ?", (notification_id,), f"{SUMMARY}, payload")
        for item in items:
            item["payload"] = orjson.loads(item["payload"])
        return items[0] if items else None

    def newest(self, group_key: str) -> Item | None:
        """Return the newest notification of a group, None if there is none."""
        items = self._items("WHERE group_key = ? ORDER BY id DESC LIMIT 1", (group_key,))
        return items[0] if items else None

    def last_firing(self, alert: str) -> datetime | None:
        """Return when an alert was last received as firing, None if never."""
        with schema.connect(self.path) as connection:
            (last,) = connection.execute(
                "SELECT max(last_received_at) FROM notifications WHERE id IN "
                "(SELECT notification_id FROM alerts WHERE alert = ? AND status = 'firing')",
                (alert,),
            ).fetchone()
        return None if last is None else parse_rfc3339(last)

    def check_writable(self, now: datetime) -> str | None:
        """Write for real; return None if that is on disk, else a sentence that says why not."""
        try:
            with schema.transaction(self.path) as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO write_checks VALUES (1, ?)", (format_rfc3339(now),)
                )
        except JournalError as error:
            return str(error)
        return None

    def _items(self, rest: str, values: Sequence[object], columns: str = SUMMARY) -> list[Item]:
        with schema.connect(self.path) as connection:
            rows = connection.execute(f"SELECT {columns} FROM notifications {rest}", values)  # noqa: S608 - constants; values are bound
            items = {row["id"]: {**dict(row), "alerts": []} for row in rows}
            for row in connection.execute(
                f"SELECT notification_id, {ALERT} FROM alerts "  # noqa: S608 - constants
                "WHERE notification_id IN (SELECT value FROM json_each(?)) ORDER BY rowid",
                (orjson.dumps(list(items)).decode(),),
            ):
                alert = dict(row)
                items[alert.pop("notification_id")]["alerts"].append(_alert_item(alert))
        return list(items.values())


def _conditions(filters: Filters) -> tuple[str, tuple[str, ...]]:
    conditions, values = ["1"], tuple(value for _, value in filters.columns)
    if filters.columns:
        columns = " AND ".join(f"{name} = ?" for name, _ in filters.columns)
        conditions.append(f"id IN (SELECT notification_id FROM alerts WHERE {columns})")  # noqa: S608 - names from a fixed list
    if filters.since:
        conditions.append("received_at >= ?")
        values += (format_rfc3339(filters.since),)
    return " AND ".join(conditions), values


def _insert(connection: sqlite3.Connection, notification: Notification, now: datetime) -> Receipt:
    values = {
        "digest": notification.digest,
        "status": notification.status,
        "receiver": notification.receiver,
        "group_key": notification.group_key,
        "now": format_rfc3339(now),
        "payload": notification.payload,
    }
    row_id, deliveries = connection.execute(INSERT, values).fetchone()
    if deliveries == 1:
        rows = [(row_id, *_alert_row(alert)) for alert in notification.alerts]
        connection.executemany(INSERT_ALERT, rows)
    current.observe(connection, notification.alerts, now)
    return Receipt(id=row_id, duplicate=deliveries > 1)


def _alert_row(alert: Alert) -> tuple[str | None, ...]:
    labels = alert.labels
    return (
        alert.fingerprint,
        alert.name,
        alert.status,
        # To Prometheus an empty label is one that is not there.
        *(labels.get(name) or None for name in ("service", "instance", "severity")),
        format_rfc3339(alert.starts_at),
        format_rfc3339(alert.ends_at) if alert.ends_at else None,
        orjson.dumps(dict(labels)).decode(),
        orjson.dumps(dict(alert.annotations)).decode(),
    )


def _alert_item(row: Item) -> Item:
    maps = {name: orjson.loads(row[name]) for name in ("labels", "annotations")}
    return row | maps
