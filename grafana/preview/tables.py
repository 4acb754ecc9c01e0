"""The rows of a table: Grafana's frames, merged and put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .fields import reduced, words
from .gather import Shown

Row = dict[str, str]
Json = Mapping[str, Any]


def table(shown: Shown) -> tuple[Sequence[str], Sequence[Row]]:
    """Return the columns and the rows of a table panel."""
    organize = _organize(shown)
    renamed: Mapping[str, str] = organize.get("renameByName", {})
    rows = _rows(shown, renamed)
    hidden = {name for name, is_hidden in organize.get("excludeByName", {}).items() if is_hidden}
    places: Mapping[str, int] = organize.get("indexByName", {})
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in hidden))
    last = max(places.values(), default=0) + 1
    columns.sort(key=lambda one: places.get(one, last))
    named = [renamed.get(one) or one for one in columns]
    return named, [{renamed.get(one) or one: row.get(one, "") for one in columns} for row in rows]


def _organize(shown: Shown) -> Json:
    found: Sequence[Json] = shown.panel.raw.get("transformations", ())
    return next((one["options"] for one in found if one["id"] == "organize"), {})


def _rows(shown: Shown, renamed: Mapping[str, str]) -> list[Row]:
    """Return a row for each set of labels, with a value of each query that has it."""
    merged: dict[tuple[tuple[str, str], ...], Row] = {}
    several = len(shown.told) > 1
    for told in shown.told:
        field = f"Value #{told.asked.query.ref}" if several else "Value"
        for series in told.answer.series:
            labels = {name: value for name, value in series.labels.items() if name != "__name__"}
            row = merged.setdefault(tuple(sorted(labels.items())), dict(labels))
            row[field] = words(shown, reduced(shown, series), renamed.get(field, field))
    return list(merged.values())
