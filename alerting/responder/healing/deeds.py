"""What was decided and what was done, in the journal: each before it is begun."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from .. import schema
from ..timestamps import format_rfc3339, parse_rfc3339
from .decide import Decision
from .world import Action, Sick

Item = dict[str, Any]

# `running`: under way. `cancelled`: a human has taken it over, or its alert was resolved before it
# was begun again.
STATES = ("running", "done", "failed", "cancelled")
DECIDE = """
INSERT INTO decisions
    (decided_at, alert, fingerprint, service, instance, action, code, reason, action_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BEGIN = """
INSERT INTO actions
    (alert, fingerprint, kind, service, target, instances, grace_period, reason, dry_run, state,
     started_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *
"""


@dataclass(frozen=True)
class Deed:
    """An action in the database; `instances` is the wanted scale, `grace_period` of a restart."""

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
        """Return what tells this action from every other one that ever was."""
        return f"{self.id}-{self.action.started_at:.3f}"


@dataclass(frozen=True)
class Order:
    """How an action is to be carried out: see `Deed`."""

    instances: int | None = None
    grace_period: float | None = None
    dry_run: bool = False


class Deeds:
    """The decisions and actions of the journal in a file; every method raises `JournalError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record_skipped(self, told: Iterable[tuple[str, Sick, Decision]], now: datetime) -> None:
        """Journal decisions to do nothing, each with its alert's fingerprint."""
        with schema.transaction(self._path) as connection:
            connection.executemany(
                DECIDE,
                [
                    _decision(fingerprint, sick, decision, now, None)
                    for fingerprint, sick, decision in told
                ],
            )

    def begin(
        self, fingerprint: str, sick: Sick, decision: Decision, order: Order, now: datetime
    ) -> Deed:
        """Journal a decision and its action, which counts from now on; return it."""
        started_at = format_rfc3339(now)
        state, finished_at = ("done", started_at) if order.dry_run else ("running", None)
        with schema.transaction(self._path) as connection:
            row = connection.execute(
                BEGIN,
                (
                    *(sick.alert, fingerprint, decision.action, sick.service, decision.target),
                    *(
                        order.instances,
                        order.grace_period,
                        decision.reason,
                        order.dry_run,
                        state,
                        started_at,
                    ),
                ),
            ).fetchone()
            connection.execute(
                "UPDATE actions SET finished_at = ? WHERE id = ?", (finished_at, row["id"])
            )
            connection.execute(DECIDE, _decision(fingerprint, sick, decision, now, row["id"]))
        return _deed({**dict(row), "finished_at": finished_at})

    def end(self, deed_id: int, state: str, message: str, now: datetime) -> str | None:
        """Journal how an action finished_at; return its state, None if it had finished_at before.

        One that was cancelled meanwhile stays so, and is over only now.
        """
        with schema.transaction(self._path) as connection:
            row = connection.execute(
                "UPDATE actions SET finished_at = ?, message = iif(state = 'running', ?, message),"
                " state = iif(state = 'running', ?, state)"
                " WHERE id = ? AND finished_at IS NULL RETURNING state",
                (format_rfc3339(now), message, state, deed_id),
            ).fetchone()
        return row and str(row["state"])

    def cancel(self, deed_id: int, message: str) -> bool:
        """Journal that nobody waits for an action any more; return False if it had finished_at.

        What is being done to an instance goes on, and so does the action until that is over.
        """
        with schema.transaction(self._path) as connection:
            done = connection.execute(
                "UPDATE actions SET state = 'cancelled', message = ?"
                " WHERE id = ? AND finished_at IS NULL",
                (message, deed_id),
            )
        return done.rowcount == 1

    def mark_resolved(self, firing: Iterable[str], now: datetime) -> list[Item]:
        """Note on actions that their alert is over; return those that this was new for."""
        over = "alert_resolved_at IS NULL AND fingerprint NOT IN (SELECT value FROM json_each(?))"
        prints = _json(firing)
        if not self._rows(f"WHERE {over} LIMIT 1", prints):
            return []  # as in nearly every turn: nothing is written
        with schema.transaction(self._path) as connection:
            rows = connection.execute(
                f"UPDATE actions SET alert_resolved_at = ? WHERE {over} RETURNING *",  # noqa: S608 - constants
                (format_rfc3339(now), prints),
            ).fetchall()
        return [dict(row) for row in rows]

    def running(self) -> list[Deed]:
        """Return the actions under way, those that were cancelled included."""
        return [_deed(row) for row in self._rows("WHERE finished_at IS NULL ORDER BY id")]

    def since(self, moment: float) -> list[Action]:
        """Return what was begun since a moment (seconds since 1970), or goes on; oldest first."""
        text = format_rfc3339(_moment(moment))
        rows = self._rows("WHERE started_at > ? OR finished_at IS NULL ORDER BY id", text)
        return [_deed(row).action for row in rows]

    def get(self, deed_id: int) -> Item | None:
        """Return one action, None if there is none."""
        return next(iter(self._rows("WHERE id = ?", deed_id)), None)

    def find(self, limit: int, alert: str | None = None) -> list[Item]:
        """Return actions, newest first, those of one alert if it is given."""
        if alert is None:
            return self._rows("ORDER BY id DESC LIMIT ?", limit)
        return self._rows("WHERE alert = ? ORDER BY id DESC LIMIT ?", alert, limit)

    def decisions(self, limit: int) -> list[Item]:
        """Return decisions, newest first."""
        with schema.connect(self._path) as connection:
            rows = connection.execute("SELECT * FROM decisions ORDER BY id DESC LIMIT ?", (limit,))
            return [dict(row) for row in rows]

    def _rows(self, rest: str, *values: object) -> list[Item]:
        with schema.connect(self._path) as connection:
            rows: Sequence[Any] = connection.execute(
                f"SELECT * FROM actions {rest}",  # noqa: S608 - constants; values are bound
                values,
            ).fetchall()
        return [dict(row) for row in rows]


def _decision(
    fingerprint: str, sick: Sick, decision: Decision, now: datetime, action_id: int | None
) -> tuple[object, ...]:
    return (
        *(format_rfc3339(now), sick.alert, fingerprint, sick.service, sick.instance),
        *(decision.action, decision.code, decision.reason, action_id),
    )


def _deed(row: Item) -> Deed:
    finished_at = row["finished_at"] and parse_rfc3339(row["finished_at"]).timestamp()
    started_at = parse_rfc3339(row["started_at"]).timestamp()
    return Deed(
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


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(max(0.0, seconds), UTC)


def _json(texts: Iterable[str]) -> str:
    return orjson.dumps(list(texts)).decode()
