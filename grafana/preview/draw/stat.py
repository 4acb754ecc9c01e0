"""Large numbers."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from ..fields import colour, name, reduced, value_text
from ..panel_data import PanelData
from ..style import FAINT, SMALL
from .canvas import blank, height, width

# The maximum number of values.
MAX_VALUES = 8
LARGEST = 26.0


def stat(axes: Axes, panel_data: PanelData) -> None:
    """Draw the value of each series, with its name below."""
    blank(axes)
    series = [(query, one) for query in panel_data.queries for one in query.result.series][
        :MAX_VALUES
    ]
    columns = min(len(series), max(1, int(width(axes) / 90)))
    rows = math.ceil(len(series) / columns)
    for place, (query, one) in enumerate(series):
        value = reduced(panel_data, one)
        said = value_text(panel_data, value, name(query, one))
        x = (place % columns + 0.5) / columns
        y = 1 - (place // columns + 0.45) / rows
        room = min(width(axes) / columns / (0.65 * len(said)), height(axes) / rows / 2.2)
        size = min(LARGEST, room)
        put: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(x, y, said, size=size, color=colour(panel_data, value), weight="bold", **put)
        called = name(query, one)
        if called != query.panel_query.target.expr:
            below = y - (size * 0.5 + 7) / height(axes)
            axes.text(x, below, called, size=SMALL, color=FAINT, **put)
