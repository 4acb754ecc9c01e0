"""Draw a bar gauge panel: horizontal bars."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from ..fields import colour, defaults, name, reduced, value_text
from ..panel_data import PanelData
from ..style import GRID, INK, SMALL
from .panel_text import blank, height

# The minimum height of a bar with its name, in points.
ROOM = 14.0
# The start and the end of the bars; names are before, values after them.
BEGIN, END = 0.32, 0.86


def bars(axes: Axes, panel_data: PanelData) -> None:
    """Draw a bar for each series, against the panel's largest value."""
    blank(axes)
    rows = [
        (query, series)
        for query in panel_data.queries
        for series in query.result.series
        if series.has_data
    ]
    rows = rows[: max(1, int(height(axes) / ROOM))]
    values = [reduced(panel_data, series) for _, series in rows]
    most = defaults(panel_data).get("max") or max([value for value in values if value > 0] or [1.0])
    for index, ((query, series), value) in enumerate(zip(rows, values, strict=True)):
        y = 1 - (index + 0.5) / len(rows)
        thick = min(0.7 / len(rows), ROOM * 0.7 / height(axes))
        share = 0.0 if math.isnan(value) else max(0.0, min(1.0, value / float(most)))
        axes.barh(y, END - BEGIN, thick, left=BEGIN, color=GRID)
        axes.barh(y, share * (END - BEGIN), thick, left=BEGIN, color=colour(panel_data, value))
        axes.text(BEGIN - 0.01, y, name(query, series)[:40], ha="right", va="center", size=SMALL)
        text = value_text(panel_data, value, name(query, series))
        axes.text(END + 0.01, y, text, va="center", size=SMALL, color=INK)
