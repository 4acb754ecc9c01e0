"""The rows of a table panel: merged and ordered as in Grafana."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .fields import reduced, value_text
from .panel_data import PanelData

Row = dict[str, str]
Json = Mapping[str, Any]


def table(panel_data: PanelData) -> tuple[Sequence[str], Sequence[Row]]:
    """Return the columns and the rows of a table panel."""
    organize = _organize(panel_data)
    renamed: Mapping[str, str] = organize.get("renameByName", {})
    rows = _rows(panel_data, renamed)
    hidden = {name for name, is_hidden in organize.get("excludeByName", {}).items() if is_hidden}
    positions: Mapping[str, int] = organize.get("indexByName", {})
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in hidden))
    last = max(positions.values(), default=0) + 1
    columns.sort(key=lambda column: positions.get(column, last))
    named = [renamed.get(column) or column for column in columns]
    return named, [
        {renamed.get(column) or column: row.get(column, "") for column in columns} for row in rows
    ]


def _organize(panel_data: PanelData) -> Json:
    transformations: Sequence[Json] = panel_data.panel.raw.get("transformations", ())
    return next(
        (item["options"] for item in transformations if item["id"] == "organize"),
        {},
    )


def _rows(panel_data: PanelData, renamed: Mapping[str, str]) -> list[Row]:
    """Return a row for each set of labels, with a value of each query that has it."""
    merged: dict[tuple[tuple[str, str], ...], Row] = {}
    several = len(panel_data.queries) > 1
    for query in panel_data.queries:
        field = f"Value #{query.panel_query.query.ref}" if several else "Value"
        for series in query.result.series:
            labels = {name: value for name, value in series.labels.items() if name != "__name__"}
            row = merged.setdefault(tuple(sorted(labels.items())), dict(labels))
            row[field] = value_text(
                panel_data, reduced(panel_data, series), renamed.get(field, field)
            )
    return list(merged.values())
