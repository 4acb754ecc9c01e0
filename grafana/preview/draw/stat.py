"""Draw a stat panel: large numbers."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from ..fields import colour, name, reduced, value_text
from ..panel_data import PanelData
from ..style import FAINT, SMALL
from .panel_text import blank, height, width

# The maximum number of values.
MAX_VALUES = 8
LARGEST = 26.0


def stat(axes: Axes, panel_data: PanelData) -> None:
    """Draw the value of each series, with its name below."""
    blank(axes)
    series = [(query, item) for query in panel_data.queries for item in query.result.series][
        :MAX_VALUES
    ]
    columns = min(len(series), max(1, int(width(axes) / 90)))
    rows = math.ceil(len(series) / columns)
    for index, (query, item) in enumerate(series):
        value = reduced(panel_data, item)
        text = value_text(panel_data, value, name(query, item))
        x = (index % columns + 0.5) / columns
        y = 1 - (index // columns + 0.45) / rows
        room = min(width(axes) / columns / (0.65 * len(text)), height(axes) / rows / 2.2)
        size = min(LARGEST, room)
        style: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(x, y, text, size=size, color=colour(panel_data, value), weight="bold", **style)
        label = name(query, item)
        if label != query.panel_query.target.expr:
            below = y - (size * 0.5 + 7) / height(axes)
            axes.text(x, below, label, size=SMALL, color=FAINT, **style)
