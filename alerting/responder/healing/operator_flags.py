"""Flags that survive a restart of the responder: the pause, and the state of the circuit."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from .. import db
from ..timestamps import format_rfc3339, parse_rfc3339

# `budget_reset`: the budget counts the actions since then.
Flag = Literal["paused", "circuit_open", "budget_reset"]


class OperatorFlags:
    """The flags in a database, each with its time; every method raises `DatabaseError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def since(self, flag: Flag) -> float | None:
        """Return when a flag was set, in seconds since 1970; None if it is not set."""
        with db.connect(self._path) as connection:
            row = connection.execute(
                "SELECT set_at FROM operator_flags WHERE name = ?", (flag,)
            ).fetchone()
        return None if row is None else parse_rfc3339(row["set_at"]).timestamp()

    def set(self, flag: Flag, now: datetime) -> bool:
        """Set a flag; return False, and keep its time, if it was set already."""
        with db.transaction(self._path) as connection:
            cursor = connection.execute(
                "INSERT INTO operator_flags VALUES (?, ?) ON CONFLICT DO NOTHING",
                (flag, format_rfc3339(now)),
            )
        return cursor.rowcount == 1

    def clear(self, flag: Flag) -> bool:
        """Clear a flag; return False if it was not set."""
        with db.transaction(self._path) as connection:
            cursor = connection.execute("DELETE FROM operator_flags WHERE name = ?", (flag,))
        return cursor.rowcount == 1

    def close_circuit(self, now: datetime) -> bool:
        """Close the circuit and reset the budget; return False if the circuit was closed."""
        with db.transaction(self._path) as connection:
            connection.execute(
                "INSERT INTO operator_flags VALUES ('budget_reset', ?) "
                "ON CONFLICT DO UPDATE SET set_at = excluded.set_at",
                (format_rfc3339(now),),
            )
            cursor = connection.execute("DELETE FROM operator_flags WHERE name = 'circuit_open'")
        return cursor.rowcount == 1
