"""Draw panels of values and texts: stats, bar gauges, tables, log lines, and messages."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes

from ..query_check.data_sources import Line
from .fields import colour, defaults, last, name, value_text
from .panel_data import PanelData

INK, FAINT, GRID, PAPER, BACK = "#222222", "#767676", "#E3E3E3", "#FFFFFF", "#F2F3F5"
TITLE, TEXT, SMALL = 8.5, 7.0, 6.2
# The width of a letter relative to its size.
LETTER, MONOSPACE = 0.56, 0.6
# The maximum number of values of a stat panel, and their largest size.
MAX_VALUES, LARGEST = 8, 26.0
# The heights in points of a bar with its name, of a row of a table, and of a log line.
BAR, ROW, LINE = 14.0, 12.0, 10.0
# The start and the end of the bars; names are before, values after them.
BEGIN, END = 0.32, 0.86
# The colour of the stripe before a line, as in Grafana. The level's first letter is shown
# as well, so that the level does not depend on colour alone.
LEVELS = {"ERROR": "#D55E00", "CRITICAL": "#D55E00", "WARNING": "#E69F00", "INFO": "#56B4E9"}
Row = dict[str, str]
MIDDLE: Mapping[str, Any] = {"ha": "center", "va": "center"}


def size(axes: Axes) -> tuple[float, float]:
    """Return the width and the height of a panel in points."""
    figure = axes.get_figure()
    assert figure is not None
    box = axes.get_position()
    wide, high = figure.get_size_inches()  # type: ignore[union-attr]
    return float(box.width * wide * 72), float(box.height * high * 72)


def _blank(axes: Axes) -> tuple[float, float]:
    """Remove lines and numbers, so that coordinates are fractions of the panel; return its size."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return size(axes)


def message(axes: Axes, text: str, letter_size: float = TITLE, style: str = "normal") -> None:
    """Draw a message in the middle, such as the reason for missing data."""
    width, _ = _blank(axes)
    wrapped = textwrap.fill(text, max(10, int(width / (letter_size * LETTER))))
    axes.text(0.5, 0.5, wrapped, color=FAINT, size=letter_size, style=style, **MIDDLE)


def stat(axes: Axes, panel_data: PanelData) -> None:
    """Draw the value of each series, with its name below."""
    width, height = _blank(axes)
    series = [(query, item) for query in panel_data.queries for item in query.result.series]
    series = series[:MAX_VALUES]
    columns = min(len(series), max(1, int(width / 90)))
    rows = math.ceil(len(series) / columns)
    for index, (query, item) in enumerate(series):
        value, label = last(item), name(query, item)
        shown = value_text(panel_data, value, label)
        x = (index % columns + 0.5) / columns
        y = 1 - (index // columns + 0.45) / rows
        letter_size = min(LARGEST, width / columns / (0.65 * len(shown)), height / rows / 2.2)
        shade = colour(panel_data, value)
        axes.text(x, y, shown, size=letter_size, color=shade, weight="bold", **MIDDLE)
        if label != query.panel_query.target.expr:
            below = y - (letter_size * 0.5 + 7) / height
            axes.text(x, below, label, size=SMALL, color=FAINT, **MIDDLE)


def bars(axes: Axes, panel_data: PanelData) -> None:
    """Draw a horizontal bar for each series, against the panel's largest value."""
    _, height = _blank(axes)
    rows = panel_data.series[: max(1, int(height / BAR))]
    values = [last(series) for _, series in rows]
    most = defaults(panel_data).get("max") or max([value for value in values if value > 0] or [1.0])
    thick = min(0.7 / len(rows), BAR * 0.7 / height)
    for index, ((query, series), value) in enumerate(zip(rows, values, strict=True)):
        y = 1 - (index + 0.5) / len(rows)
        share = 0.0 if math.isnan(value) else max(0.0, min(1.0, value / float(most)))
        axes.barh(y, END - BEGIN, thick, left=BEGIN, color=GRID)
        axes.barh(y, share * (END - BEGIN), thick, left=BEGIN, color=colour(panel_data, value))
        label = name(query, series)
        axes.text(BEGIN - 0.01, y, label[:40], ha="right", va="center", size=SMALL)
        shown = value_text(panel_data, value, label)
        axes.text(END + 0.01, y, shown, va="center", size=SMALL, color=INK)


def table(axes: Axes, panel_data: PanelData) -> None:
    """Draw as many rows as fit, with columns as wide as needed."""
    width, height = _blank(axes)
    columns, rows = table_rows(panel_data)
    visible = rows[: max(1, int(height / ROW) - 1)]
    needs = [max(len(column), *(len(row[column]) for row in visible), 4) + 2 for column in columns]
    letters = width / (SMALL * LETTER)
    total = max(sum(needs), letters * 0.6)
    left = 0.0
    for column, need in zip(columns, needs, strict=True):
        room = max(int(need / total * letters), 3)
        for index, shown in enumerate([column, *(row[column] for row in visible)]):
            y = 1 - (index + 0.5) * ROW / height
            shade = INK if index else FAINT
            axes.text(left, y, shown[:room], va="center", size=SMALL, color=shade)
        left += need / total
    for index in range(1, len(visible) + 1):
        y = 1 - index * ROW / height
        axes.plot([0, 1], [y, y], color=GRID, linewidth=0.6)
    if len(rows) > len(visible):
        more = f"and {len(rows) - len(visible)} more"
        axes.text(1, 0, more, ha="right", size=SMALL, color=FAINT)


def table_rows(panel_data: PanelData) -> tuple[Sequence[str], Sequence[Row]]:
    """Return the columns and the rows of a table panel, merged and ordered as in Grafana."""
    transformations: Sequence[Mapping[str, Any]] = panel_data.panel.raw.get("transformations", ())
    organize: Mapping[str, Any] = next(
        (item["options"] for item in transformations if item["id"] == "organize"), {}
    )
    renamed: Mapping[str, str] = organize.get("renameByName", {})
    rows = _merged(panel_data, renamed)
    hidden = {name for name, is_hidden in organize.get("excludeByName", {}).items() if is_hidden}
    positions: Mapping[str, int] = organize.get("indexByName", {})
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in hidden))
    end = max(positions.values(), default=0) + 1
    columns.sort(key=lambda column: positions.get(column, end))
    headings = {column: renamed.get(column) or column for column in columns}
    return list(headings.values()), [
        {heading: row.get(column, "") for column, heading in headings.items()} for row in rows
    ]


def _merged(panel_data: PanelData, renamed: Mapping[str, str]) -> list[Row]:
    """Return a row for each set of labels, with a value of each query that has it."""
    merged: dict[tuple[tuple[str, str], ...], Row] = {}
    for query in panel_data.queries:
        several = len(panel_data.queries) > 1
        field = f"Value #{query.panel_query.query.ref}" if several else "Value"
        for series in query.result.series:
            labels = {name: value for name, value in series.labels.items() if name != "__name__"}
            row = merged.setdefault(tuple(sorted(labels.items())), dict(labels))
            value = last(series)
            row[field] = value_text(panel_data, value, renamed.get(field, field))
    return list(merged.values())


def logs(axes: Axes, panel_data: PanelData) -> None:
    """Draw as many log lines as fit, the newest first."""
    width, height = _blank(axes)
    lines = [line for query in panel_data.queries for line in query.result.lines]
    lines.sort(key=lambda line: -line.at)
    letters = int(width / (SMALL * MONOSPACE))
    for index, line in enumerate(lines[: max(1, int(height / LINE))]):
        y = 1 - (index + 0.5) * LINE / height
        shade = LEVELS.get(line.labels.get("level", ""), FAINT)
        axes.plot([0, 0], [y - 3 / height, y + 3 / height], color=shade, linewidth=3)
        shown = format_line(line)[:letters]
        axes.text(0.006, y, shown, va="center", size=SMALL, family="monospace", color=INK)


def format_line(line: Line) -> str:
    """Return the time, the level's letter and the line, on one line."""
    when = datetime.fromtimestamp(line.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    level = line.labels.get("level", "?")[:1]
    return f"{when} {level}  {' '.join(line.text.split())}"
