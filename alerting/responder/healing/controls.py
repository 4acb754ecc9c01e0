"""What outlives a restart of the responder: a human's pause, and the circuit."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from .. import schema
from ..timestamps import format_rfc3339, parse_rfc3339

# `budget_reset`: since when actions count towards the budget.
Name = Literal["paused", "circuit_open", "budget_reset"]


class Controls:
    """Named moments in the journal's file; every method raises `JournalError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def since(self, name: Name) -> float | None:
        """Return since when it holds, in seconds since 1970; None while it does not."""
        with schema.connect(self._path) as connection:
            row = connection.execute(
                "SELECT set_at FROM operator_flags WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else parse_rfc3339(row["set_at"]).timestamp()

    def set(self, name: Name, now: datetime) -> bool:
        """Have it hold from now on; return False if it has held already, since when it did."""
        with schema.transaction(self._path) as connection:
            done = connection.execute(
                "INSERT INTO operator_flags VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, format_rfc3339(now)),
            )
        return done.rowcount == 1

    def clear(self, name: Name) -> bool:
        """Have it hold no more; return False if it did not."""
        with schema.transaction(self._path) as connection:
            done = connection.execute("DELETE FROM operator_flags WHERE name = ?", (name,))
        return done.rowcount == 1

    def close_circuit(self, now: datetime) -> bool:
        """Let the budget be whole again; return False if the circuit was closed."""
        with schema.transaction(self._path) as connection:
            connection.execute(
                "INSERT INTO operator_flags VALUES ('budget_reset', ?) "
                "ON CONFLICT DO UPDATE SET set_at = excluded.set_at",
                (format_rfc3339(now),),
            )
            done = connection.execute("DELETE FROM operator_flags WHERE name = 'circuit_open'")
        return done.rowcount == 1
