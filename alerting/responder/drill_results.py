"""The results of drills: parsed from a request, stored in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from . import db
from .errors import MalformedBodyError
from .json_reader import JsonFields
from .timestamps import format_rfc3339

# A skipped drill has no result.
VERDICTS = ("passed", "failed", "deviated", "aborted")
PHASES = ("pending", "firing", "notified", "healed", "resolved")

Row = dict[str, Any]


@dataclass(frozen=True)
class DrillResult:
    """The result of an alert's drill on a stack at a `speed`.

    `phase_seconds` has the seconds from the fault to each phase that was reached; those of
    `resolved` start at the rollback. `deadlines` has the most that each phase may take.
    """

    alert: str
    verdict: str
    reason: str
    speed: float
    started_at: datetime
    finished_at: datetime
    phase_seconds: Mapping[str, float]
    deadlines: Mapping[str, float]


def parse(body: bytes) -> DrillResult:
    """Return the result in a body; raise `MalformedBodyError`, naming the field, if it is bad."""
    try:
        fields = JsonFields(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError("body", f"must be JSON: {error}.") from None
    return DrillResult(
        alert=fields.text("alert"),
        verdict=fields.choice("verdict", VERDICTS),
        reason=fields.text("reason", empty=True),
        speed=fields.number("speed"),
        started_at=fields.timestamp("started_at"),
        finished_at=fields.timestamp("finished_at"),
        phase_seconds=fields.numbers("phase_seconds", PHASES),
        deadlines=fields.numbers("deadlines", PHASES),
    )


class DrillResultStore:
    """The drill results in a database; every method raises `DatabaseError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, result: DrillResult) -> Row:
        """Store a result, durable on return; return it in the form of `find`."""
        values = (
            *(result.alert, result.verdict, result.reason, result.speed),
            *(format_rfc3339(result.started_at), format_rfc3339(result.finished_at)),
            *(json.dumps(dict(result.phase_seconds)), json.dumps(dict(result.deadlines))),
        )
        with db.transaction(self._path) as connection:
            row = connection.execute(
                "INSERT INTO drill_results (alert, verdict, reason, speed, started_at, finished_at,"
                " phase_seconds, deadlines)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                values,
            ).fetchone()
        return _parse_row(row)

    def find(self, limit: int, alert: str | None = None) -> list[Row]:
        """Return results, newest first, of one alert or of all."""
        return self._rows(
            "SELECT * FROM drill_results WHERE ? IS NULL OR alert = ? ORDER BY id DESC LIMIT ?",
            (alert, alert, limit),
        )

    def latest(self) -> list[Row]:
        """Return the last result of each alert at each speed."""
        return self._rows(
            "SELECT * FROM drill_results"
            " WHERE id IN (SELECT max(id) FROM drill_results GROUP BY alert, speed)"
        )

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Row]:
        with db.connect(self._path) as connection:
            return [_parse_row(row) for row in connection.execute(query, values)]


def _parse_row(row: sqlite3.Row) -> Row:
    return {
        **row,
        "phase_seconds": json.loads(row["phase_seconds"]),
        "deadlines": json.loads(row["deadlines"]),
    }
