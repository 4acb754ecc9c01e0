"""What healing keeps in the database: the alerts that fire, decisions, actions, operator's flags.

An alert is written in the transaction of its notification, and an action before it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import sqlalchemy as sa

from ..clients import AlertmanagerAlert
from ..db import Database, Row, actions, active_alerts, decisions, insert, operator_flags
from ..notifications import (
    Notification,
    adopted_notification,
    insert_notification,
    record_alert,
)
from ..validation import format_rfc3339, parse_rfc3339

ActionKind = Literal["restart", "scale_out", "scale_in"]
ACTION_KINDS: tuple[ActionKind, ...] = ("restart", "scale_out", "scale_in")
# `cancelled`: by an operator, or because its alert was resolved before it could resume.
STATES = ("running", "done", "failed", "cancelled")
# `paused` is a flag of the whole stack, without a service. The others are flags of a service, whose
# budget counts the actions since `budget_reset`.
Flag = Literal["paused", "circuit_open", "budget_reset"]


@dataclass(frozen=True)
class ActiveAlert:
    """A firing alert and its target, from the alert's labels; times are seconds since 1970.

    `taken_over` is true after an operator cancelled its action. `silenced` comes from
    Alertmanager; `confirmed` is false while it does not answer. `holds` tells whether Prometheus
    or Loki has the alert as firing.
    """

    alert: str
    labels: Mapping[str, str]
    firing_since: float = 0.0
    last_notified: float = 0.0
    fingerprint: str = ""
    taken_over: bool = False
    silenced: bool = False
    confirmed: bool = True
    holds: bool = True

    @property
    def service(self) -> str:
        """Return the service, empty if the alert has none."""
        return self.labels.get("service", "")

    @property
    def instance(self) -> str:
        """Return the instance, empty if the alert is about a whole service."""
        return self.labels.get("instance", "")


@dataclass(frozen=True)
class Decision:
    """The action for an alert, or `none`, with the code and the reason.

    `target` is the instance of a restart, and the service of a change of scale; `instances` is the
    new scale, `grace_period` that of a restart.
    """

    alert: ActiveAlert
    action: ActionKind | Literal["none"]
    target: str
    code: str
    reason: str
    instances: int | None = None
    grace_period: float | None = None


@dataclass(frozen=True)
class Action:
    """An action that was started; times are seconds since 1970.

    `finished_at` is None while it runs. The other fields are those of its decision.
    """

    kind: ActionKind
    service: str
    target: str
    started_at: float
    finished_at: float | None = None
    id: int = 0
    alert: str = ""
    fingerprint: str = ""
    instances: int | None = None
    grace_period: float | None = None
    state: str = "running"

    @property
    def key(self) -> str:
        """Return the idempotency key, which no other action has, in any database."""
        return f"{self.id}-{self.started_at:.3f}"


class HealingStore:
    """The data of healing in a database; every method raises `DatabaseError`."""

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
                firing_since=_seconds(row["starts_at"]),
                last_notified=_seconds(row["last_notified_at"]),
                fingerprint=row["fingerprint"],
                taken_over=row["taken_over"],
            )
            for row in self._database.rows(query.order_by(*order))
        ]

    def mark_lost(self, fingerprints: Iterable[str]) -> None:
        """Mark alerts that Alertmanager no longer has."""
        lost = active_alerts.c.fingerprint.in_(list(fingerprints))
        self._database.change(sa.update(active_alerts).where(lost).values(status="lost"))

    def adopt(self, missed: Iterable[AlertmanagerAlert], now: datetime) -> Notification | None:
        """Store a notification about alerts of which none arrived; return it.

        Return None if all of them were resolved meanwhile.
        """
        with self._database.write() as connection:
            new = [alert for alert in missed if record_alert(connection, alert, "firing", now)]
            if not new:
                return None
            notification = adopted_notification(new)
            insert_notification(connection, notification, now)
            return notification

    def take_over(self, fingerprint: str) -> None:
        """Exclude an alert from healing for as long as it fires."""
        alert = active_alerts.c.fingerprint == fingerprint
        self._database.change(sa.update(active_alerts).where(alert).values(taken_over=True))

    def record_skipped(self, skipped: Iterable[Decision], now: datetime) -> None:
        """Record decisions for no action."""
        rows = [_decision_row(decision, now) for decision in skipped]
        with self._database.write() as connection:
            connection.execute(sa.insert(decisions), rows)

    def create(self, decision: Decision, now: datetime, *, dry_run: bool = False) -> Action:
        """Record a decision and its action, which counts against the budget; return the action."""
        statement = sa.insert(actions).values(
            alert=decision.alert.alert,
            fingerprint=decision.alert.fingerprint,
            kind=decision.action,
            service=decision.alert.service,
            target=decision.target,
            instances=decision.instances,
            grace_period=decision.grace_period,
            reason=decision.reason,
            dry_run=dry_run,
            state="done" if dry_run else "running",
            started_at=format_rfc3339(now),
            finished_at=format_rfc3339(now) if dry_run else None,
        )
        with self._database.write() as connection:
            row = connection.execute(statement.returning(*actions.c)).mappings().one()
            values = {**_decision_row(decision, now), "action_id": row["id"]}
            connection.execute(sa.insert(decisions).values(values))
        return _action(dict(row))

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
        return self._database.change(statement) == 1

    def mark_resolved(self, firing: Iterable[str], now: datetime) -> list[Row]:
        """Record on actions that their alert no longer fires; return those that changed."""
        resolved = self._database.rows(
            sa.select(actions.c.id, actions.c.alert).where(
                actions.c.alert_resolved_at.is_(None), actions.c.fingerprint.not_in(list(firing))
            )
        )
        if resolved:  # usually there is none, and nothing to write
            ids = actions.c.id.in_([row["id"] for row in resolved])
            values = {"alert_resolved_at": format_rfc3339(now)}
            self._database.change(sa.update(actions).where(ids).values(values))
        return resolved

    def recent_actions(self, seconds: float) -> list[Action]:
        """Return the actions started since a time (seconds since 1970) or running, oldest first."""
        since = format_rfc3339(datetime.fromtimestamp(max(0.0, seconds), UTC))
        recent = (actions.c.started_at > since) | actions.c.finished_at.is_(None)
        query = sa.select(actions).where(recent).order_by(actions.c.id)
        return [_action(row) for row in self._database.rows(query)]

    def get(self, action_id: int) -> Row | None:
        """Return an action, None if it does not exist."""
        rows = self._database.rows(sa.select(actions).where(actions.c.id == action_id))
        return rows[0] if rows else None

    def find(self, limit: int, alert: str | None = None) -> list[Row]:
        """Return actions, newest first, of one alert or of all."""
        return self._database.newest(actions, limit, alert)

    def decisions(self, limit: int) -> list[Row]:
        """Return decisions, newest first."""
        return self._database.newest(decisions, limit)

    def flags(self) -> Mapping[Flag, Mapping[str, float]]:
        """Return for each flag the services that have it, with its time in seconds since 1970."""
        flags: dict[Flag, dict[str, float]] = {flag: {} for flag in get_args(Flag)}
        for row in self._database.rows(sa.select(operator_flags)):
            flags[row["name"]][row["service"]] = _seconds(row["set_at"])
        return flags

    def set_flag(self, flag: Flag, now: datetime, service: str = "") -> bool:
        """Set a flag, which survives a restart; return False, and keep its time, if it was set."""
        with self._database.write() as connection:
            statement = insert(connection, operator_flags).on_conflict_do_nothing()
            values = {"name": flag, "service": service, "set_at": format_rfc3339(now)}
            return bool(connection.execute(statement.values(values)).rowcount == 1)

    def clear_flag(self, flag: Flag) -> bool:
        """Clear a flag of every service; return False if it was not set."""
        return self._database.change(_deletion(flag)) > 0

    def close_circuits(self, now: datetime, service: str | None = None) -> Mapping[str, bool]:
        """Close the circuit of a service, or of all, and restore the whole budget.

        Return whether the circuit was open, for each service that has ever had an action: no other
        one has an open circuit, or a budget to restore.
        """
        query = sa.select(actions.c.service).distinct()
        if service is not None:
            query = query.where(actions.c.service == service)
        with self._database.write() as connection:
            services = connection.scalars(query).all()
            own = operator_flags.c.service.in_(services)
            closing = _deletion("circuit_open").where(own).returning(operator_flags.c.service)
            closed = connection.scalars(closing).all()
            connection.execute(_deletion("budget_reset").where(own))
            reset = {"name": "budget_reset", "set_at": format_rfc3339(now)}
            if rows := [{**reset, "service": name} for name in services]:
                connection.execute(sa.insert(operator_flags), rows)
        return {name: name in closed for name in services}


def _deletion(flag: Flag) -> sa.Delete:
    return sa.delete(operator_flags).where(operator_flags.c.name == flag)


def _seconds(time: str) -> float:
    return parse_rfc3339(time).timestamp()


def _decision_row(decision: Decision, now: datetime) -> Row:
    return {
        "decided_at": format_rfc3339(now),
        "alert": decision.alert.alert,
        "fingerprint": decision.alert.fingerprint,
        "service": decision.alert.service,
        "instance": decision.alert.instance,
        "action": decision.action,
        "code": decision.code,
        "reason": decision.reason,
    }


def _action(row: Row) -> Action:
    columns = ("id", "alert", "fingerprint", "kind", "service", "target", "state")
    return Action(
        **{name: row[name] for name in (*columns, "instances", "grace_period")},
        started_at=_seconds(row["started_at"]),
        finished_at=row["finished_at"] and _seconds(row["finished_at"]),
    )
