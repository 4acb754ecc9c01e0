"""Horizontal bars."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from ..fields import colour, defaults, name, reduced, words
from ..gather import Shown
from ..look import GRID, INK, SMALL
from .words import blank, height

# A bar with its name takes this many points at least.
ROOM = 14.0
# Where the names end, the bars begin, and their values.
BEGIN, END = 0.32, 0.86


def bars(axes: Axes, shown: Shown) -> None:
    """Draw a bar for each series, against the panel's largest value."""
    blank(axes)
    found = [(told, one) for told in shown.told for one in told.answer.series if one.has_data]
    found = found[: max(1, int(height(axes) / ROOM))]
    values = [reduced(shown, one) for _, one in found]
    most = defaults(shown).get("max") or max([value for value in values if value > 0] or [1.0])
    for place, ((told, one), value) in enumerate(zip(found, values, strict=True)):
        y = 1 - (place + 0.5) / len(found)
        thick = min(0.7 / len(found), ROOM * 0.7 / height(axes))
        share = 0.0 if math.isnan(value) else max(0.0, min(1.0, value / float(most)))
        axes.barh(y, END - BEGIN, thick, left=BEGIN, color=GRID)
        axes.barh(y, share * (END - BEGIN), thick, left=BEGIN, color=colour(shown, value))
        axes.text(BEGIN - 0.01, y, name(told, one)[:40], ha="right", va="center", size=SMALL)
        said = words(shown, value, name(told, one))
        axes.text(END + 0.01, y, said, va="center", size=SMALL, color=INK)
