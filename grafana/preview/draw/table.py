"""Draw a table panel."""

from __future__ import annotations

from matplotlib.axes import Axes

from ..panel_data import PanelData
from ..style import FAINT, GRID, INK, SMALL
from ..tables import table as rows_of
from .panel_text import blank, height, width

# The height of a row in points, and the width of a letter relative to its size.
ROW, LETTER = 12.0, 0.56


def table(axes: Axes, panel_data: PanelData) -> None:
    """Draw as many rows as fit, with columns as wide as needed."""
    blank(axes)
    columns, rows = rows_of(panel_data)
    fit = max(1, int(height(axes) / ROW) - 1)
    visible = rows[:fit]
    needs = [max(len(column), *(len(row[column]) for row in visible), 4) + 2 for column in columns]
    total = max(sum(needs), width(axes) / (SMALL * LETTER) * 0.6)
    left = 0.0
    for column, need in zip(columns, needs, strict=True):
        room = int(need / total * width(axes) / (SMALL * LETTER))
        _write(axes, left, 0, column[: max(room, 3)], FAINT)
        for index, row in enumerate(visible, 1):
            _write(axes, left, index, row[column][: max(room, 3)], INK)
        left += need / total
    for index in range(1, len(visible) + 1):
        y = 1 - index * ROW / height(axes)
        axes.plot([0, 1], [y, y], color=GRID, linewidth=0.6)
    if len(rows) > fit:
        axes.text(1, 0, f"and {len(rows) - fit} more", ha="right", size=SMALL, color=FAINT)


def _write(axes: Axes, left: float, index: int, text: str, colour: str) -> None:
    y = 1 - (index + 0.5) * ROW / height(axes)
    axes.text(left, y, text, va="center", size=SMALL, color=colour)
