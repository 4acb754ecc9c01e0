"""Draw a state timeline panel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from matplotlib.axes import Axes

from ...query_check.results import Series
from ..fields import colour, name, value_text
from ..panel_data import PanelData
from ..style import SMALL
from .panel_text import height
from .time_axis import days, time_axis

# The minimum height of a row in points.
ROOM = 12.0
MS_PER_S = 1000


def timeline(axes: Axes, panel_data: PanelData) -> None:
    """Draw a row for each series, with the text of each state."""
    rows = [
        (query, line)
        for query in panel_data.queries
        for line in query.result.series
        if line.has_data
    ]
    rows = rows[: max(1, int(height(axes) / ROOM))]
    width = panel_data.time_range.width / MS_PER_S
    for index, (_, series) in enumerate(rows):
        for begin, finish, value in stretches(series):
            left, lasts = days(begin), days(finish - begin)
            axes.barh(index, lasts, 0.75, left=left, color=colour(panel_data, value))
            text = value_text(panel_data, value)
            if (finish - begin) / width > 0.012 * len(text):
                axes.text(left, index, f" {text}", va="center", size=SMALL)
    axes.set_yticks(range(len(rows)), [name(query, line)[:34] for query, line in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    time_axis(axes, panel_data.time_range)


def stretches(series: Series) -> Iterator[tuple[float, float, float]]:
    """Yield the start, end and value of each constant stretch of a series, without gaps."""
    points = [point for point in series.points if not math.isnan(point[1])]
    gaps = [after[0] - before[0] for before, after in pairwise(points)]
    step = min(gaps, default=15.0)
    begin, last, value = points[0][0], points[0][0], points[0][1]
    for at, now in points[1:]:
        if now != value or at - last > 1.5 * step:
            yield begin, min(at, last + step), value
            begin, value = at, now
        last = at
    yield begin, last + step, value
