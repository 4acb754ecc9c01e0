"""The schema as Alembic found it; a database from before Alembic is brought to it.

Such a database has its schema, 1 to 4, in `user_version`. Schema 4 gave tables, columns, flags,
states and decision codes their standard names; this one gives alerts their position.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from alerting.responder.db import metadata

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
OPERATOR_FLAGS = sa.Table(
    "operator_flags",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("set_at", sa.Text, nullable=False),
)
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
        _rename("actions", "actions")
        op.execute("UPDATE actions SET state = 'running' WHERE state = 'acting'")
        _replace("decisions", "code", CODES)
        _replace("operator_flags", "name", FLAGS)
    if "drills" in existing:
        _rename("drills", "drill_results", "drills_by_alert", ["alert", "speed"])
    if "alerts" in existing:
        column = sa.Column("position", sa.Integer, nullable=False, server_default="0")
        op.add_column("alerts", column)
        op.execute("UPDATE alerts SET position = rowid")
    # A later revision that changes a table first moves its form of today from `db` into this one.
    OPERATOR_FLAGS.create(connection, checkfirst=True)
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":  # for versions from before Alembic, which refuse it
        op.execute(f"PRAGMA user_version = {revision}")


def _rename(old: str, new: str, index: str = "", columns: list[str] | None = None) -> None:
    if old != new:
        op.rename_table(old, new)
    for former, name in COLUMNS[new].items():
        op.alter_column(new, former, new_column_name=name)
    if columns:
        op.drop_index(index, new)
        op.create_index(index.replace(old, new), new, columns)


def _replace(table: str, column: str, names: dict[str, str]) -> None:
    cell = sa.column(column, sa.Text)
    op.execute(
        sa.update(sa.table(table, cell))
        .where(cell.in_(names))
        .values({cell: sa.case(names, value=cell)})
    )
