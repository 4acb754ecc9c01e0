"""How drills went, as those who made them tell: a body in, a checked value out, kept on disk."""

from __future__ import annotations

import json
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
COLUMNS = "id, alert, verdict, reason, speed, began, ended, times, limits"

Item = dict[str, Any]


@dataclass(frozen=True)
class Drill:
    """How a drill of an alert went, on a stack at a `speed`.

    `times` has the seconds from the fault's beginning to each phase that was reached, for
    `resolved` those from when it was mended; `limits` has the most that each may take.
    """

    alert: str
    verdict: str
    reason: str
    speed: float
    began: datetime
    ended: datetime
    times: Mapping[str, float]
    limits: Mapping[str, float]


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
        began=fields.moment("began"),
        ended=fields.moment("ended"),
        times=fields.numbers("times", PHASES),
        limits=fields.numbers("limits", PHASES),
    )


class DrillJournal:
    """The drills in the journal's file; every method raises `JournalError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, drill: Drill) -> int:
        """Store a drill, durable on return; return its id."""
        values = (
            *(drill.alert, drill.verdict, drill.reason, drill.speed),
            *(format_rfc3339(drill.began), format_rfc3339(drill.ended)),
            *(json.dumps(dict(drill.times)), json.dumps(dict(drill.limits))),
        )
        with schema.transaction(self._path) as connection:
            done = connection.execute(
                "INSERT INTO drills (alert, verdict, reason, speed, began, ended, times, limits)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        assert done.lastrowid is not None
        return done.lastrowid

    def find(self, limit: int, alert: str | None = None) -> list[Item]:
        """Return the drills, newest first, of one alert or of all."""
        return self._items(
            f"SELECT {COLUMNS} FROM drills WHERE ? IS NULL OR alert = ? ORDER BY id DESC LIMIT ?",  # noqa: S608 - constants; values are bound
            (alert, alert, limit),
        )

    def last(self) -> list[Item]:
        """Return the last drill of each alert at each speed."""
        return self._items(
            f"SELECT {COLUMNS} FROM drills WHERE id IN"  # noqa: S608 - constants
            " (SELECT max(id) FROM drills GROUP BY alert, speed)"
        )

    def _items(self, query: str, values: tuple[object, ...] = ()) -> list[Item]:
        with schema.connect(self._path) as connection:
            rows = [dict(row) for row in connection.execute(query, values)]
        return [
            {**row, "times": json.loads(row["times"]), "limits": json.loads(row["limits"])}
            for row in rows
        ]
