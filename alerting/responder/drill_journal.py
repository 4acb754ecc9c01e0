"""How drills went, as those who made them tell: a body in, a checked value out, kept on disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from . import schema
from .errors import MalformedBodyError
from .fields import Fields
from .timestamps import format_rfc3339

# Of a drill that was made; one that was skipped is none.
VERDICTS = ("passed", "failed", "deviated", "aborted")
PHASES = ("pending", "firing", "notified", "healed", "resolved")

Item = dict[str, Any]


@dataclass(frozen=True)
class Drill:
    """How a drill of an alert went, on a stack at a `speed`.

    `phase_seconds` has the seconds from the fault's beginning to each phase that was reached, for
    `resolved` those from when it was mended; `deadlines` has the most that each may take.
    """

    alert: str
    verdict: str
    reason: str
    speed: float
    started_at: datetime
    finished_at: datetime
    phase_seconds: Mapping[str, float]
    deadlines: Mapping[str, float]


def parse(body: bytes) -> Drill:
    """Return the drill in a body; raise `MalformedBodyError`, naming the field, if it is none."""
    try:
        fields = Fields(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError("body", f"must be JSON: {error}.") from None
    return Drill(
        alert=fields.text("alert"),
        verdict=fields.choice("verdict", VERDICTS),
        reason=fields.text("reason", empty=True),
        speed=fields.number("speed"),
        started_at=fields.moment("started_at"),
        finished_at=fields.moment("finished_at"),
        phase_seconds=fields.numbers("phase_seconds", PHASES),
        deadlines=fields.numbers("deadlines", PHASES),
    )


class DrillJournal:
    """The drills in the journal's file; every method raises `JournalError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, drill: Drill) -> Item:
        """Store a drill, durable on return; return it as `find` does."""
        values = (
            *(drill.alert, drill.verdict, drill.reason, drill.speed),
            *(format_rfc3339(drill.started_at), format_rfc3339(drill.finished_at)),
            *(json.dumps(dict(drill.phase_seconds)), json.dumps(dict(drill.deadlines))),
        )
        with schema.transaction(self._path) as connection:
            row = connection.execute(
                "INSERT INTO drill_results (alert, verdict, reason, speed, started_at, finished_at,"
                " phase_seconds, deadlines)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                values,
            ).fetchone()
        return _item(row)

    def find(self, limit: int, alert: str | None = None) -> list[Item]:
        """Return the drills, newest first, of one alert or of all."""
        return self._items(
            "SELECT * FROM drill_results WHERE ? IS NULL OR alert = ? ORDER BY id DESC LIMIT ?",
            (alert, alert, limit),
        )

    def last(self) -> list[Item]:
        """Return the last drill of each alert at each speed."""
        return self._items(
            "SELECT * FROM drill_results"
            " WHERE id IN (SELECT max(id) FROM drill_results GROUP BY alert, speed)"
        )

    def _items(self, query: str, values: tuple[object, ...] = ()) -> list[Item]:
        with schema.connect(self._path) as connection:
            return [_item(row) for row in connection.execute(query, values)]


def _item(row: sqlite3.Row) -> Item:
    return {
        **row,
        "phase_seconds": json.loads(row["phase_seconds"]),
        "deadlines": json.loads(row["deadlines"]),
    }
