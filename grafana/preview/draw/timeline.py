"""States over time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes

from ...proof.answer import Series
from ..fields import colour, name, words
from ..gather import Shown
from ..look import SMALL
from .time_axis import days, time_axis
from .words import height

# A row takes so many points at least.
ROOM = 12.0
MS = 1000


def timeline(axes: Axes, shown: Shown) -> None:
    """Draw a row for each series, with the words of each state in it."""
    found = [(told, one) for told in shown.told for one in told.answer.series if one.has_data]
    found = found[: max(1, int(height(axes) / ROOM))]
    width = shown.span.width / MS
    for place, (_, series) in enumerate(found):
        for begin, finish, value in stretches(series):
            left, lasts = days(begin), days(finish - begin)
            axes.barh(place, lasts, 0.75, left=left, color=colour(shown, value))
            said = words(shown, value)
            if (finish - begin) / width > 0.012 * len(said):
                axes.text(left, place, f" {said}", va="center", size=SMALL)
    axes.set_yticks(range(len(found)), [name(told, one)[:34] for told, one in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    time_axis(axes, shown.span)


def stretches(series: Series) -> Iterator[tuple[float, float, float]]:
    """Yield from when until when a series had which value; a gap has none."""
    points = [one for one in series.points if not math.isnan(one[1])]
    gaps = [after[0] - before[0] for before, after in pairwise(points)]
    step = min(gaps, default=15.0)
    begin, last, value = points[0][0], points[0][0], points[0][1]
    for at, now in points[1:]:
        if now != value or at - last > 1.5 * step:
            yield begin, min(at, last + step), value
            begin, value = at, now
        last = at
    yield begin, last + step, value
