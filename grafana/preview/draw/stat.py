"""Large numbers."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.axes import Axes

from ..fields import colour, name, reduced, words
from ..gather import Shown
from ..look import FAINT, SMALL
from .words import blank, height, width

# As many fit beside each other.
MOST = 8
LARGEST = 26.0


def stat(axes: Axes, shown: Shown) -> None:
    """Write each series' value, with its name below where there are several."""
    blank(axes)
    series = [(told, one) for told in shown.told for one in told.answer.series][:MOST]
    columns = min(len(series), max(1, int(width(axes) / 90)))
    rows = math.ceil(len(series) / columns)
    for place, (told, one) in enumerate(series):
        value = reduced(shown, one)
        said = words(shown, value, name(told, one))
        x = (place % columns + 0.5) / columns
        y = 1 - (place // columns + 0.45) / rows
        room = min(width(axes) / columns / (0.65 * len(said)), height(axes) / rows / 2.2)
        size = min(LARGEST, room)
        put: dict[str, Any] = {"ha": "center", "va": "center"}
        axes.text(x, y, said, size=size, color=colour(shown, value), weight="bold", **put)
        called = name(told, one)
        if called != told.asked.target.expr:
            below = y - (size * 0.5 + 7) / height(axes)
            axes.text(x, below, called, size=SMALL, color=FAINT, **put)
