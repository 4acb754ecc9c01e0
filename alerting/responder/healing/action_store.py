"""Decisions and actions in the database; an action is recorded before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from .. import db
from ..timestamps import format_rfc3339, parse_rfc3339
from .planner import Decision
from .snapshot import Action, AlertTarget

Row = dict[str, Any]

# `cancelled`: by an operator, or because its alert was resolved before it could resume.
STATES = ("running", "done", "failed", "cancelled")
INSERT_DECISION = """
INSERT INTO decisions
    (decided_at, alert, fingerprint, service, instance, action, code, reason, action_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_ACTION = """
INSERT INTO actions
    (alert, fingerprint, kind, service, target, instances, grace_period, reason, dry_run, state,
     started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *
"""


@dataclass(frozen=True)
class ActionRecord:
    """An action in the database; `instances` is the new scale, `grace_period` that of a restart."""

    id: int
    alert: str
    fingerprint: str
    action: Action
    reason: str
    instances: int | None
    grace_period: float | None
    dry_run: bool
    state: str

    @property
    def key(self) -> str:
        """Return the idempotency key, which no other action has, in any database."""
        return f"{self.id}-{self.action.started_at:.3f}"


@dataclass(frozen=True)
class ActionSpec:
    """The arguments of an action, see `ActionRecord`."""

    instances: int | None = None
    grace_period: float | None = None
    dry_run: bool = False


class ActionStore:
    """The decisions and actions in a database; every method raises `DatabaseError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record_skipped(
        self, skipped: Iterable[tuple[str, AlertTarget, Decision]], now: datetime
    ) -> None:
        """Record decisions for no action, each with the fingerprint of its alert."""
        rows = [
            _decision_row(fingerprint, target, decision, now, None)
            for fingerprint, target, decision in skipped
        ]
        with db.transaction(self._path) as connection:
            connection.executemany(INSERT_DECISION, rows)

    def create(
        self,
        fingerprint: str,
        target: AlertTarget,
        decision: Decision,
        spec: ActionSpec,
        now: datetime,
    ) -> ActionRecord:
        """Record a decision and its action, which counts against the budget; return the action."""
        started_at = format_rfc3339(now)
        state, finished_at = ("done", started_at) if spec.dry_run else ("running", None)
        with db.transaction(self._path) as connection:
            row = connection.execute(
                INSERT_ACTION,
                (
                    *(target.alert, fingerprint, decision.action, target.service, decision.target),
                    *(spec.instances, spec.grace_period, decision.reason, spec.dry_run, state),
                    started_at,
                ),
            ).fetchone()
            connection.execute(
                "UPDATE actions SET finished_at = ? WHERE id = ?", (finished_at, row["id"])
            )
            connection.execute(
                INSERT_DECISION, _decision_row(fingerprint, target, decision, now, row["id"])
            )
        return _action_record({**dict(row), "finished_at": finished_at})

    def finish(self, action_id: int, state: str, message: str, now: datetime) -> str | None:
        """Record the end of an action; return its state, None if it had ended before.

        An action that was cancelled while it ran stays cancelled, with this end.
        """
        with db.transaction(self._path) as connection:
            row = connection.execute(
                "UPDATE actions SET finished_at = ?, message = iif(state = 'running', ?, message),"
                " state = iif(state = 'running', ?, state)"
                " WHERE id = ? AND finished_at IS NULL RETURNING state",
                (format_rfc3339(now), message, state, action_id),
            ).fetchone()
        return row and str(row["state"])

    def cancel(self, action_id: int, message: str) -> bool:
        """Mark an action as cancelled; return False if it had ended before.

        The control API finishes what it has started, and the action ends only then.
        """
        with db.transaction(self._path) as connection:
            cursor = connection.execute(
                "UPDATE actions SET state = 'cancelled', message = ?"
                " WHERE id = ? AND finished_at IS NULL",
                (message, action_id),
            )
        return cursor.rowcount == 1

    def mark_resolved(self, firing: Iterable[str], now: datetime) -> list[Row]:
        """Record on actions that their alert no longer fires; return those that changed."""
        condition = (
            "alert_resolved_at IS NULL AND fingerprint NOT IN (SELECT value FROM json_each(?))"
        )
        fingerprints = orjson.dumps(list(firing)).decode()
        if not self._rows(f"WHERE {condition} LIMIT 1", fingerprints):
            return []  # the usual case: no write
        with db.transaction(self._path) as connection:
            rows = connection.execute(
                f"UPDATE actions SET alert_resolved_at = ? WHERE {condition} RETURNING *",  # noqa: S608 - constants
                (format_rfc3339(now), fingerprints),
            ).fetchall()
        return [dict(row) for row in rows]

    def running(self) -> list[ActionRecord]:
        """Return the actions that have not ended, cancelled ones included."""
        return [_action_record(row) for row in self._rows("WHERE finished_at IS NULL ORDER BY id")]

    def started_since(self, seconds: float) -> list[Action]:
        """Return the actions started since a time (seconds since 1970) or running, oldest first."""
        since = format_rfc3339(datetime.fromtimestamp(max(0.0, seconds), UTC))
        rows = self._rows("WHERE started_at > ? OR finished_at IS NULL ORDER BY id", since)
        return [_action_record(row).action for row in rows]

    def get(self, action_id: int) -> Row | None:
        """Return an action, None if it does not exist."""
        return next(iter(self._rows("WHERE id = ?", action_id)), None)

    def find(self, limit: int, alert: str | None = None) -> list[Row]:
        """Return actions, newest first, of one alert or of all."""
        if alert is None:
            return self._rows("ORDER BY id DESC LIMIT ?", limit)
        return self._rows("WHERE alert = ? ORDER BY id DESC LIMIT ?", alert, limit)

    def decisions(self, limit: int) -> list[Row]:
        """Return decisions, newest first."""
        with db.connect(self._path) as connection:
            rows = connection.execute("SELECT * FROM decisions ORDER BY id DESC LIMIT ?", (limit,))
            return [dict(row) for row in rows]

    def _rows(self, rest: str, *values: object) -> list[Row]:
        with db.connect(self._path) as connection:
            rows: Sequence[Any] = connection.execute(
                f"SELECT * FROM actions {rest}",  # noqa: S608 - constants; values are bound
                values,
            ).fetchall()
        return [dict(row) for row in rows]


def _decision_row(
    fingerprint: str, target: AlertTarget, decision: Decision, now: datetime, action_id: int | None
) -> tuple[object, ...]:
    return (
        *(format_rfc3339(now), target.alert, fingerprint, target.service, target.instance),
        *(decision.action, decision.code, decision.reason, action_id),
    )


def _action_record(row: Row) -> ActionRecord:
    finished_at = row["finished_at"] and parse_rfc3339(row["finished_at"]).timestamp()
    started_at = parse_rfc3339(row["started_at"]).timestamp()
    return ActionRecord(
        id=row["id"],
        alert=row["alert"],
        fingerprint=row["fingerprint"],
        action=Action(row["kind"], row["service"], row["target"], started_at, finished_at),
        reason=row["reason"],
        instances=row["instances"],
        grace_period=row["grace_period"],
        dry_run=bool(row["dry_run"]),
        state=row["state"],
    )
