"""Rows and results for the tests of the kill matrix."""

from typing import Any

from alertdrill.kill_matrix.plan import Row
from alertdrill.kill_matrix.result import Conditions, RowResult

CONDITIONS = Conditions(
    began=1_700_000_000.0,
    speed=12.0,
    rate=10.0,
    timeout=60.0,
    cores=2,
    load_before=1.0,
    load_after=2.0,
)


def row(**changed: Any) -> Row:
    """Return the row that kills web-1 of two instances."""
    values: dict[str, Any] = {
        "component": "web",
        "target": "web-1",
        "fault": "kill",
        "copies": 1,
        "total": 2,
        "instances": ("web-1",),
    }
    return Row(**{**values, **changed})


def result(**changed: Any) -> RowResult:
    """Return the result of that row: recovered."""
    values: dict[str, Any] = {
        "runtime": "native",
        "component": "web",
        "target": "web-1",
        "fault": "kill",
        "copies": 1,
        "total": 2,
        "verdict": "recovered",
        "conditions": CONDITIONS,
        "seconds": 2.5,
        "sent": 25,
        "lost": 1,
        "recovered_by": "supervisord",
    }
    return RowResult.model_validate({**values, **changed})


def late(**changed: Any) -> RowResult:
    """Return the result of a row that does not recover: every copy of what heals was stopped."""
    values = {"verdict": "late", "seconds": None, "recovered_by": "", "fault": "stop"}
    target = {"component": "control", "target": "control", "copies": 2}
    return result(**{**values, **target, **changed})
