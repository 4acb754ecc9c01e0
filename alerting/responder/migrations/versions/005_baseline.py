"""The schema as Alembic found it; a database from before Alembic is brought to it.

Such a database has its schema, 1 to 4, in `user_version`. Schema 4 gave tables, columns, flags,
states and decision codes their standard names; this one gives alerts their position.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = None

COLUMNS = {
    "active_alerts": {"heard_at": "last_notified_at"},
    "actions": {
        "grace": "grace_period",
        "began": "started_at",
        "ended": "finished_at",
        "said": "message",
        "resolved": "alert_resolved_at",
    },
    "operator_flags": {"since": "set_at"},
    "drill_results": {
        "began": "started_at",
        "ended": "finished_at",
        "times": "phase_seconds",
        "limits": "deadlines",
    },
}
FLAGS = {"circuit": "circuit_open", "counted": "budget_reset"}
CODES = {
    "acted": "approved",
    "at_the_ceiling": "max_replicas",
    "at_the_floor": "min_replicas",
    "budget_is_spent": "budget_exhausted",
    "circuit_is_open": "circuit_open",
    "control_is_away": "control_api_unavailable",
    "is_excused": "excluded",
    "is_paused": "paused",
    "is_settling_in": "scale_in_stabilization",
    "is_settling_out": "scale_out_stabilization",
    "is_the_last_ready": "last_ready_replica",
    "is_too_soon": "cooldown",
    "is_unconfirmed": "unconfirmed",
    "is_under_way": "in_progress",
    "is_well": "already_healthy",
    "left_to_a_human": "manual",
    "names_nobody": "no_target",
    "scales_not": "not_scalable",
}


def upgrade() -> None:
    """Give an older database the standard names, then create what is missing."""
    connection = op.get_bind()
    existing = set(sa.inspect(connection).get_table_names())
    if "current" in existing:
        _rename("current", "active_alerts", "current_by_status", ["status"])
        _rename("controls", "operator_flags")
        _rename_columns("actions")
        op.execute("UPDATE actions SET state = 'running' WHERE state = 'acting'")
        _replace("decisions", "code", CODES)
        _replace("operator_flags", "name", FLAGS)
    if "drills" in existing:
        _rename("drills", "drill_results", "drills_by_alert", ["alert", "speed"])
    if "alerts" in existing:
        column = sa.Column("position", sa.Integer, nullable=False, server_default="0")
        op.add_column("alerts", column)
        op.execute("UPDATE alerts SET position = rowid")
    _create_notifications()
    _create_healing()
    if connection.dialect.name == "sqlite":  # for versions from before Alembic, which refuse it
        op.execute(f"PRAGMA user_version = {revision}")


def _rename(old: str, new: str, index: str = "", columns: list[str] | None = None) -> None:
    op.rename_table(old, new)
    _rename_columns(new)
    if columns:
        op.drop_index(index, new)
        op.create_index(index.replace(old, new), new, columns)


def _rename_columns(table: str) -> None:
    for old, new in COLUMNS[table].items():
        op.alter_column(table, old, new_column_name=new)


def _replace(table: str, column: str, names: dict[str, str]) -> None:
    cell = sa.column(column, sa.Text)
    op.execute(
        sa.update(sa.table(table, cell))
        .where(cell.in_(names))
        .values({cell: sa.case(names, value=cell)})
    )


def _create(table: str, /, *columns: sa.Column[Any], **indexes: list[str]) -> None:
    if table in sa.inspect(op.get_bind()).get_table_names():
        return
    op.create_table(table, *columns)
    for index, names in indexes.items():
        op.create_index(f"{table}_by_{index}", table, names)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _create_notifications() -> None:
    _create(
        "notifications",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        *map(_text, ("status", "receiver", "group_key", "received_at", "last_received_at")),
        sa.Column("deliveries", sa.Integer, nullable=False, server_default="1"),
        _text("payload"),
        group=["group_key"],
        time=["received_at"],
    )
    _create(
        "alerts",
        sa.Column("notification_id", sa.Integer, sa.ForeignKey("notifications.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        *map(_text, ("fingerprint", "alert", "status")),
        *(_text(name, nullable=True) for name in ("service", "instance", "severity")),
        _text("starts_at"),
        _text("ends_at", nullable=True),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("annotations", sa.JSON, nullable=False),
        notification=["notification_id"],
        name=["alert", "status", "notification_id"],
        **{
            label: [label, "notification_id"]
            for label in ("status", "severity", "service", "instance")
        },
    )
    _create(
        "write_checks",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        _text("checked_at"),
    )


def _create_healing() -> None:
    _create(
        "active_alerts",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        _text("alert"),
        sa.Column("labels", sa.JSON, nullable=False),
        *map(_text, ("status", "starts_at", "last_notified_at")),
        sa.Column("taken_over", sa.Boolean, nullable=False, server_default=sa.false()),
        status=["status"],
    )
    _create(
        "actions",
        sa.Column("id", sa.Integer, primary_key=True),
        *map(_text, ("alert", "fingerprint", "kind", "service", "target")),
        sa.Column("instances", sa.Integer),
        sa.Column("grace_period", sa.Float),
        _text("reason"),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        *map(_text, ("state", "started_at")),
        _text("finished_at", nullable=True),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        _text("alert_resolved_at", nullable=True),
        end=["finished_at"],
        time=["started_at"],
    )
    _create(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        *map(_text, ("decided_at", "alert", "fingerprint", "service", "instance")),
        *map(_text, ("action", "code", "reason")),
        sa.Column("action_id", sa.Integer, sa.ForeignKey("actions.id")),
        alert=["fingerprint", "id"],
    )
    _create("operator_flags", sa.Column("name", sa.Text, primary_key=True), _text("set_at"))
    _create(
        "drill_results",
        sa.Column("id", sa.Integer, primary_key=True),
        *map(_text, ("alert", "verdict", "reason")),
        sa.Column("speed", sa.Float, nullable=False),
        *map(_text, ("started_at", "finished_at")),
        sa.Column("phase_seconds", sa.JSON, nullable=False),
        sa.Column("deadlines", sa.JSON, nullable=False),
        alert=["alert", "speed"],
    )
