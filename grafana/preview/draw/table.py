"""Tables."""

from __future__ import annotations

from matplotlib.axes import Axes

from ..panel_data import PanelData
from ..style import FAINT, GRID, INK, SMALL
from ..tables import table as rows_of
from .canvas import blank, height, width

# The height of a row in points, and the width of a letter relative to its size.
ROW, LETTER = 12.0, 0.56


def table(axes: Axes, panel_data: PanelData) -> None:
    """Draw as many rows as fit, with columns as wide as needed."""
    blank(axes)
    columns, rows = rows_of(panel_data)
    fit = max(1, int(height(axes) / ROW) - 1)
    seen = rows[:fit]
    needs = [max(len(one), *(len(row[one]) for row in seen), 4) + 2 for one in columns]
    total = max(sum(needs), width(axes) / (SMALL * LETTER) * 0.6)
    left = 0.0
    for column, need in zip(columns, needs, strict=True):
        room = int(need / total * width(axes) / (SMALL * LETTER))
        _write(axes, left, 0, column[: max(room, 3)], FAINT)
        for place, row in enumerate(seen, 1):
            _write(axes, left, place, row[column][: max(room, 3)], INK)
        left += need / total
    for place in range(1, len(seen) + 1):
        y = 1 - place * ROW / height(axes)
        axes.plot([0, 1], [y, y], color=GRID, linewidth=0.6)
    if len(rows) > fit:
        axes.text(1, 0, f"and {len(rows) - fit} more", ha="right", size=SMALL, color=FAINT)


def _write(axes: Axes, left: float, place: int, said: str, colour: str) -> None:
    y = 1 - (place + 0.5) * ROW / height(axes)
    axes.text(left, y, said, va="center", size=SMALL, color=colour)
