"""Alembic's environment: it migrates in the transaction of `db.open_database`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
