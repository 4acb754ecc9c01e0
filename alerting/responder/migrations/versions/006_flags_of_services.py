"""The circuit and the reset of the budget become flags of a service.

An open circuit stays open, since the same time, for each service whose actions the shared budget
had counted: it waits for a person, and an update must not start the same actions again. The circuit
of any other service is closed.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from alerting.responder.validation import format_rfc3339, parse_rfc3339

revision = "6"
down_revision = "5"

# `limits.window` of alerting/policy.yml before this revision.
WINDOW = timedelta(minutes=30)

flags = sa.table("operator_flags", sa.column("name"), sa.column("set_at"))
actions = sa.table("actions", sa.column("service"), sa.column("kind"), sa.column("started_at"))


def upgrade() -> None:
    """Give each flag its services."""
    connection = op.get_bind()
    set_at = {row.name: row.set_at for row in connection.execute(sa.select(flags))}
    rows = [("paused", "")] if "paused" in set_at else []
    services = sa.select(actions.c.service).distinct()
    if "budget_reset" in set_at:
        rows += [("budget_reset", service) for service in connection.scalars(services)]
    if opened := set_at.get("circuit_open"):
        counted_since = max(
            format_rfc3339(parse_rfc3339(opened) - WINDOW), set_at.get("budget_reset", "")
        )
        counted = services.where(
            actions.c.kind != "scale_in",
            actions.c.started_at > counted_since,
            actions.c.started_at <= opened,
        )
        rows += [("circuit_open", service) for service in connection.scalars(counted)]
    op.drop_table("operator_flags")
    table = op.create_table(
        "operator_flags",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("set_at", sa.Text, nullable=False),
    )
    op.bulk_insert(
        table,
        [{"name": name, "service": service, "set_at": set_at[name]} for name, service in rows],
    )
