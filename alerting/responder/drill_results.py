"""The results of drills: their format, and their store."""

from __future__ import annotations

from typing import Literal, get_args

import sqlalchemy as sa
from pydantic import NonNegativeFloat, PositiveFloat

from .db import Database, Row, drill_results
from .validation import Body, NonEmpty, Timestamp, format_rfc3339

Phase = Literal["pending", "firing", "notified", "healed", "resolved"]
PHASES: tuple[Phase, ...] = get_args(Phase)


class DrillResult(Body):
    """The result of an alert's drill on a stack at a `speed`.

    `phase_seconds` has the seconds from the fault to each phase that was reached; those of
    `resolved` start at the rollback. `deadlines` has the most that each phase may take.
    """

    alert: NonEmpty
    # A skipped drill has no result.
    verdict: Literal["passed", "failed", "deviated", "aborted", "inconclusive"]
    reason: str
    speed: PositiveFloat
    started_at: Timestamp
    finished_at: Timestamp
    phase_seconds: dict[Phase, NonNegativeFloat]
    deadlines: dict[Phase, NonNegativeFloat]


class DrillResultStore:
    """The drill results in a database; every method raises `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, result: DrillResult) -> Row:
        """Store a result, durable on return; return it in the form of `find`."""
        values = {
            **result.model_dump(),
            "started_at": format_rfc3339(result.started_at),
            "finished_at": format_rfc3339(result.finished_at),
        }
        statement = sa.insert(drill_results).values(values).returning(*drill_results.c)
        with self._database.write() as connection:
            return dict(connection.execute(statement).mappings().one())

    def find(self, limit: int, alert: str | None = None) -> list[Row]:
        """Return results, newest first, of one alert or of all."""
        return self._database.newest(drill_results, limit, alert)

    def latest(self) -> list[Row]:
        """Return the last result of each alert at each speed."""
        ids = sa.select(sa.func.max(drill_results.c.id)).group_by(
            drill_results.c.alert, drill_results.c.speed
        )
        return self._database.rows(sa.select(drill_results).where(drill_results.c.id.in_(ids)))
