"""What healing keeps in the database: the alerts that fire, actions, decisions, operator's flags.

An alert is written in the transaction of its notification, and an action before it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from .clients import AlertmanagerAlert
from .db import Database, Row, actions, active_alerts, decisions, insert, operator_flags
from .validation import format_rfc3339, parse_rfc3339

ActionKind = Literal["restart", "scale_out", "scale_in"]
ACTION_KINDS: tuple[ActionKind, ...] = ("restart", "scale_out", "scale_in")
# `cancelled`: by an operator, or because its alert was resolved before it could resume.
STATES = ("running", "done", "failed", "cancelled")
# `budget_reset`: the budget counts the actions since then.
Flag = Literal["paused", "circuit_open", "budget_reset"]
# How long a late notification about a resolved alert is recognized as late.
RETENTION = timedelta(days=1)


@dataclass(frozen=True)
class ActiveAlert:
    """A firing alert and its target, from the alert's labels; times are seconds since 1970.

    `taken_over` is true after an operator cancelled its action. `silenced` and `confirmed` are
    Alertmanager's word; `confirmed` is false while it does not answer.
    """

    alert: str
    labels: Mapping[str, str]
    firing_since: float = 0.0
    last_notified: float = 0.0
    fingerprint: str = ""
    taken_over: bool = False
    silenced: bool = False
    confirmed: bool = True

    @property
    def service(self) -> str:
        """Return the service, empty if the alert has none."""
        return self.labels.get("service", "")

    @property
    def instance(self) -> str:
        """Return the instance, empty if the alert is about a whole service."""
        return self.labels.get("instance", "")


@dataclass(frozen=True)
class RecentAction:
    """A finished or running action; times are seconds since 1970.

    `finished_at` is None while the action runs. `target` is the instance of a restart, and the
    service of a change of scale.
    """

    kind: ActionKind
    service: str
    target: str
    started_at: float
    finished_at: float | None = None


@dataclass(frozen=True)
class ActionRecord:
    """An action in the database; `instances` is the new scale, `grace_period` that of a restart."""

    id: int
    alert: str
    fingerprint: str
    action: RecentAction
    reason: str
    instances: int | None
    grace_period: float | None
    dry_run: bool
    state: str

    @property
    def key(self) -> str:
        """Return the idempotency key, which no other action has, in any database."""
        return f"{self.id}-{self.action.started_at:.3f}"


def record_alert(  # noqa: PLR0913 - the columns of an alert, by name
    connection: sa.Connection,
    now: datetime,
    *,
    status: str,
    fingerprint: str,
    name: str,
    labels: Mapping[str, str],
    starts_at: datetime,
) -> bool:
    """Record the state of an alert, in any order and any number of times; return if it was new.

    Besides `firing` and `resolved` there is `lost`: Alertmanager no longer has the alert, and no
    notification resolved it. A lost alert may fire again, because Alertmanager forgets alerts when
    it restarts.
    """
    state = insert(connection, active_alerts).values(
        fingerprint=fingerprint,
        alert=name,
        labels=labels,
        status=status,
        starts_at=format_rfc3339(starts_at),
        last_notified_at=format_rfc3339(now),
    )
    known, new = active_alerts.c, state.excluded
    same_start = known.starts_at == new.starts_at
    result = connection.execute(
        state.on_conflict_do_update(
            index_elements=["fingerprint"],
            set_={
                "status": new.status,
                "starts_at": new.starts_at,
                "last_notified_at": new.last_notified_at,
                "taken_over": sa.case((same_start, known.taken_over), else_=sa.false()),
            },
            # An earlier start is a late notification, and so is `firing` after `resolved`.
            where=(new.starts_at > known.starts_at) | same_start & (known.status != "resolved"),
        )
    )
    return bool(result.rowcount == 1)


def forget_old_alerts(connection: sa.Connection, now: datetime) -> None:
    """Delete the alerts that have not fired for `RETENTION`."""
    connection.execute(
        sa.delete(active_alerts).where(
            active_alerts.c.status != "firing",
            active_alerts.c.last_notified_at < format_rfc3339(now - RETENTION),
        )
    )


class AlertStateStore:
    """The alerts in a database; every method raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def firing(self) -> list[ActiveAlert]:
        """Return the alerts that fire, oldest first."""
        query = sa.select(active_alerts).where(active_alerts.c.status == "firing")
        order = active_alerts.c.starts_at, active_alerts.c.fingerprint
        return [
            ActiveAlert(
                alert=row["alert"],
                labels=row["labels"],
                firing_since=parse_rfc3339(row["starts_at"]).timestamp(),
                last_notified=parse_rfc3339(row["last_notified_at"]).timestamp(),
                fingerprint=row["fingerprint"],
                taken_over=row["taken_over"],
            )
            for row in self._database.rows(query.order_by(*order))
        ]

    def mark_lost(self, fingerprints: Iterable[str]) -> None:
        """Mark alerts that Alertmanager no longer has."""
        lost = active_alerts.c.fingerprint == sa.bindparam("lost")
        with self._database.write() as connection:
            connection.execute(
                sa.update(active_alerts).where(lost).values(status="lost"),
                [{"lost": fingerprint} for fingerprint in fingerprints],
            )

    def adopt(self, missed: Iterable[AlertmanagerAlert], now: datetime) -> list[AlertmanagerAlert]:
        """Record alerts without a notification as firing; return those that were not."""
        with self._database.write() as connection:
            return [
                alert
                for alert in missed
                if record_alert(
                    connection,
                    now,
                    status="firing",
                    fingerprint=alert.fingerprint,
                    name=alert.name,
                    labels=alert.labels,
                    starts_at=alert.starts_at,
                )
            ]

    def take_over(self, fingerprint: str) -> None:
        """Exclude an alert from healing for as long as it fires."""
        alert = active_alerts.c.fingerprint == fingerprint
        with self._database.write() as connection:
            connection.execute(sa.update(active_alerts).where(alert).values(taken_over=True))


class ActionStore:
    """The decisions and actions in a database; every method raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_skipped(
        self, skipped: Iterable[tuple[ActiveAlert, str, str]], now: datetime
    ) -> None:
        """Record decisions for no action, each with its alert, code and reason."""
        rows = [
            _decision(alert, now, action="none", code=code, reason=reason)
            for alert, code, reason in skipped
        ]
        with self._database.write() as connection:
            connection.execute(sa.insert(decisions), rows)

    def create(  # noqa: PLR0913 - the columns of an action, by name
        self,
        alert: ActiveAlert,
        kind: ActionKind,
        target: str,
        now: datetime,
        *,
        code: str,
        reason: str,
        instances: int | None = None,
        grace_period: float | None = None,
        dry_run: bool = False,
    ) -> ActionRecord:
        """Record a decision and its action, which counts against the budget; return the action."""
        statement = sa.insert(actions).values(
            alert=alert.alert,
            fingerprint=alert.fingerprint,
            kind=kind,
            service=alert.service,
            target=target,
            instances=instances,
            grace_period=grace_period,
            reason=reason,
            dry_run=dry_run,
            state="done" if dry_run else "running",
            started_at=format_rfc3339(now),
            finished_at=format_rfc3339(now) if dry_run else None,
        )
        with self._database.write() as connection:
            row = connection.execute(statement.returning(*actions.c)).mappings().one()
            decision = _decision(alert, now, action=kind, code=code, reason=reason)
            connection.execute(sa.insert(decisions).values(**decision, action_id=row["id"]))
        return _action_record(dict(row))

    def finish(self, action_id: int, state: str, message: str, now: datetime) -> str | None:
        """Record the end of an action; return its state, None if it had ended before.

        An action that was cancelled while it ran stays cancelled, with this end.
        """
        runs = actions.c.state == "running"
        statement = (
            sa.update(actions)
            .where(actions.c.id == action_id, actions.c.finished_at.is_(None))
            .values(
                finished_at=format_rfc3339(now),
                message=sa.case((runs, message), else_=actions.c.message),
                state=sa.case((runs, state), else_=actions.c.state),
            )
        )
        with self._database.write() as connection:
            return connection.execute(statement.returning(actions.c.state)).scalar()

    def cancel(self, action_id: int, message: str) -> bool:
        """Mark an action as cancelled; return False if it had ended before.

        The control API finishes what it has started, and the action ends only then.
        """
        running = actions.c.id == action_id, actions.c.finished_at.is_(None)
        statement = sa.update(actions).where(*running).values(state="cancelled", message=message)
        with self._database.write() as connection:
            return connection.execute(statement).rowcount == 1

    def mark_resolved(self, firing: Iterable[str], now: datetime) -> list[Row]:
        """Record on actions that their alert no longer fires; return those that changed."""
        fingerprints = set(firing)
        unresolved = self._database.rows(
            sa.select(actions.c.id, actions.c.alert, actions.c.fingerprint).where(
                actions.c.alert_resolved_at.is_(None)
            )
        )
        resolved = [row for row in unresolved if row["fingerprint"] not in fingerprints]
        if resolved:  # usually there is none, and nothing to write
            ids = actions.c.id.in_([row["id"] for row in resolved])
            with self._database.write() as connection:
                connection.execute(
                    sa.update(actions).where(ids).values(alert_resolved_at=format_rfc3339(now))
                )
        return resolved

    def running(self) -> list[ActionRecord]:
        """Return the actions that have not ended, cancelled ones included."""
        return self._records(actions.c.finished_at.is_(None))

    def started_since(self, seconds: float) -> list[RecentAction]:
        """Return the actions started since a time (seconds since 1970) or running, oldest first."""
        since = format_rfc3339(datetime.fromtimestamp(max(0.0, seconds), UTC))
        recent = (actions.c.started_at > since) | actions.c.finished_at.is_(None)
        return [record.action for record in self._records(recent)]

    def get(self, action_id: int) -> Row | None:
        """Return an action, None if it does not exist."""
        rows = self._database.rows(sa.select(actions).where(actions.c.id == action_id))
        return rows[0] if rows else None

    def find(self, limit: int, alert: str | None = None) -> list[Row]:
        """Return actions, newest first, of one alert or of all."""
        query = sa.select(actions).order_by(actions.c.id.desc()).limit(limit)
        if alert is not None:
            query = query.where(actions.c.alert == alert)
        return self._database.rows(query)

    def decisions(self, limit: int) -> list[Row]:
        """Return decisions, newest first."""
        return self._database.rows(
            sa.select(decisions).order_by(decisions.c.id.desc()).limit(limit)
        )

    def _records(self, condition: sa.ColumnElement[bool]) -> list[ActionRecord]:
        query = sa.select(actions).where(condition).order_by(actions.c.id)
        return [_action_record(row) for row in self._database.rows(query)]


class OperatorFlags:
    """Flags that survive a restart, each with its time; every method raises `DatabaseError`.

    They are the pause, and the state of the circuit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, flag: Flag) -> float | None:
        """Return when a flag was set, in seconds since 1970; None if it is not set."""
        return self.all().get(flag)

    def all(self) -> Mapping[str, float]:
        """Return the flags that are set, with their times."""
        rows = self._database.rows(sa.select(operator_flags))
        return {row["name"]: parse_rfc3339(row["set_at"]).timestamp() for row in rows}

    def set(self, flag: Flag, now: datetime) -> bool:
        """Set a flag; return False, and keep its time, if it was set already."""
        with self._database.write() as connection:
            statement = insert(connection, operator_flags).values(
                name=flag, set_at=format_rfc3339(now)
            )
            result = connection.execute(statement.on_conflict_do_nothing())
            return bool(result.rowcount == 1)

    def clear(self, flag: Flag) -> bool:
        """Clear a flag; return False if it was not set."""
        with self._database.write() as connection:
            return _clear(connection, flag)

    def close_circuit(self, now: datetime) -> bool:
        """Close the circuit and reset the budget; return False if the circuit was closed."""
        with self._database.write() as connection:
            _clear(connection, "budget_reset")
            connection.execute(
                sa.insert(operator_flags).values(name="budget_reset", set_at=format_rfc3339(now))
            )
            return _clear(connection, "circuit_open")


@dataclass(frozen=True)
class HealingStores:
    """The stores of healing, all in one database."""

    alerts: AlertStateStore
    actions: ActionStore
    flags: OperatorFlags

    @classmethod
    def of(cls, database: Database) -> HealingStores:
        """Return the stores in a database."""
        return cls(AlertStateStore(database), ActionStore(database), OperatorFlags(database))


def _clear(connection: sa.Connection, flag: Flag) -> bool:
    statement = sa.delete(operator_flags).where(operator_flags.c.name == flag)
    return connection.execute(statement).rowcount == 1


def _decision(alert: ActiveAlert, now: datetime, **columns: str) -> dict[str, Any]:
    return {
        "decided_at": format_rfc3339(now),
        "alert": alert.alert,
        "fingerprint": alert.fingerprint,
        "service": alert.service,
        "instance": alert.instance,
        **columns,
    }


def _action_record(row: Row) -> ActionRecord:
    finished_at = row["finished_at"] and parse_rfc3339(row["finished_at"]).timestamp()
    started_at = parse_rfc3339(row["started_at"]).timestamp()
    return ActionRecord(
        id=row["id"],
        alert=row["alert"],
        fingerprint=row["fingerprint"],
        action=RecentAction(row["kind"], row["service"], row["target"], started_at, finished_at),
        reason=row["reason"],
        instances=row["instances"],
        grace_period=row["grace_period"],
        dry_run=row["dry_run"],
        state=row["state"],
    )
