"""The table of the kill matrix, as cells for the terminal and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..report.page import count
from .result import RowResult

COLUMNS = ("Component", "Copies", "Fault", "Recovery", "Lost", "Recovered by", "Alerts", "Notified")
FAULT_NAMES = {"kill": "`kill -9`", "stop": "stop", "pause": "pause"}
NONE = "none"


def cells(row: RowResult) -> Sequence[str]:
    """Return the cells of a row."""
    fired = ", ".join(f"{alert.name} after {alert.after:.0f} s" for alert in row.alerts)
    return (
        row.component,
        _copies(row),
        FAULT_NAMES[row.fault],
        _recovery(row),
        f"{row.lost} of {row.sent}" if row.verdict != "aborted" else "",
        row.recovered_by,
        fired,
        _notified(row),
    )


def _copies(row: RowResult) -> str:
    if row.total == 1:
        return "the only one"
    return f"all {row.total}" if row.copies == row.total else f"{row.copies} of {row.total}"


def _recovery(row: RowResult) -> str:
    if row.seconds is not None:
        return f"{row.seconds:.1f} s"
    if row.verdict == "aborted":
        return f"not measured: {row.reason}"
    if row.took_healers:
        return "never: nothing is left that heals"
    reason = f": {row.reason.rstrip('.')}" if row.reason else ""
    return f"not within {row.conditions.timeout:g} s{reason}"


def _notified(row: RowResult) -> str:
    names = ", ".join(row.notified)
    if row.notified_late:
        late = f"after the undo: {', '.join(row.notified_late)}"
        names = f"{names}; {late}" if names else f"{NONE}; {late}"
    return names or (NONE if row.verdict == "late" else "")


def markdown(rows: Sequence[RowResult]) -> str:
    """Return the rows of one runtime as a Markdown table."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(cells, rows)]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def summaries(rows: Sequence[RowResult]) -> Iterator[str]:
    """Yield a sentence for each row that asks for attention."""
    for row in rows:
        name = f"{row.fault} of {row.target} ({_copies(row)})"
        if row.verdict == "late" and not row.took_healers:
            yield f"{name}: {_recovery(row)}; notified: {_notified(row)}."
        elif row.verdict == "late" and not row.notified:
            yield f"{name}: no alert is delivered until you start it again."
        elif row.verdict == "aborted":
            yield f"{name}: {_recovery(row)}"


def summary(rows: Sequence[RowResult]) -> str:
    """Return the result of a run in one line."""
    recovered = sum(row.verdict == "recovered" for row in rows)
    left = sum(row.took_healers for row in rows)
    late = sum(row.verdict == "late" for row in rows) - left
    aborted = sum(row.verdict == "aborted" for row in rows)
    return (
        f"{count(len(rows), 'row')}: {recovered} recovered, {left} left nothing that heals,"
        f" {late} did not recover in time, {aborted} not measured."
    )
