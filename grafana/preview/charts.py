"""Draw panels over time: lines with thresholds and a legend, and states."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..query_check.data_sources import Series
from ..query_check.times import TimeRange
from .fields import colour, defaults, format_value, name, override, thresholds, unit, value_text
from .panel_data import PanelData, QueryData
from .values import FAINT, GRID, INK, SMALL, size

# A longer legend would leave too little space for the plot.
LEGEND = 6
# The minimum height of a row of states in points.
ROOM = 12.0
DAY = 86400.0
MS_PER_S = 1000
Colour = str | tuple[float, float, float]


def days(at: float) -> float:
    """Convert seconds since 1970 to matplotlib's dates."""
    return at / DAY


def _time_axis(axes: Axes, time_range: TimeRange) -> None:
    """Set the range of the axis, in UTC, and remove the frame."""
    locator = AutoDateLocator(minticks=3, maxticks=9, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
    axes.set_xlim(days(time_range.start / MS_PER_S), days(time_range.end / MS_PER_S))
    axes.tick_params(labelsize=SMALL, colors=FAINT, length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def timeseries(axes: Axes, panel_data: PanelData) -> None:
    """Draw the series of every query."""
    custom = defaults(panel_data).get("custom", {})
    stacked = custom.get("stacking", {}).get("mode", "none") != "none"
    lines, colours = panel_data.series, _colours(panel_data)
    if stacked and len({len(series.points) for _, series in lines}) == 1:
        moments = [days(at) for at, _ in lines[0][1].points]
        values = [[value for _, value in line.points] for _, line in lines]
        axes.stackplot(moments, *values, colors=list(colours), alpha=0.8)
    else:
        for (_, line), shade in zip(lines, colours, strict=True):
            _line(axes, line, shade, custom)
    _limits(axes, panel_data)
    _time_axis(axes, panel_data.time_range)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_value(value, unit(panel_data)))
    )
    axes.grid(color=GRID, linewidth=0.6)
    _legend(axes, panel_data, list(zip(lines, colours, strict=True)))


def _line(axes: Axes, series: Series, shade: Colour, custom: dict[str, object]) -> None:
    """Draw a line with gaps where points are missing, as Grafana does."""
    points = list(series.points)
    step = min((after[0] - before[0] for before, after in pairwise(points)), default=math.inf)
    gapped = points[:1]
    for before, after in pairwise(points):
        if len(points) > 2 and after[0] - before[0] > 1.5 * step:
            gapped.append((before[0] + step, math.nan))
        gapped.append(after)
    axes.plot(
        [days(at) for at, _ in gapped],
        [value for _, value in gapped],
        color=shade,
        linewidth=float(str(custom.get("lineWidth", 1))) * 0.6,
        marker="o" if len(points) == 1 else None,
        markersize=3,
    )


def _colours(panel_data: PanelData) -> Sequence[Colour]:
    """Return a colour for each series: shades of the colour of its query, or of the panel."""
    result: list[Colour] = []
    for query in panel_data.queries:
        count = sum(line.has_data for line in query.result.series)
        own = override(panel_data, "byFrameRefID", query.panel_query.query.ref, "color")
        options = own or defaults(panel_data).get("color", {})
        result += shades(options.get("fixedColor", INK), count)
    return result


def shades(base: str, count: int) -> Sequence[Colour]:
    """Return shades of a colour, from dark to light."""
    if count < 2:
        return [base] * count
    hue, light, full = colorsys.rgb_to_hls(*to_rgb(base))
    low, high = light * 0.6, light + (1 - light) * 0.55
    steps = [low + (high - low) * index / (count - 1) for index in range(count)]
    return [colorsys.hls_to_rgb(hue, lightness, full) for lightness in steps]


def _limits(axes: Axes, panel_data: PanelData) -> None:
    """Draw the thresholds as lines, and set the ends of the axis."""
    options = defaults(panel_data)
    style = options.get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
    for limit, shade in thresholds(panel_data) if style != "off" else ():
        if math.isfinite(limit):
            axes.axhline(limit, color=shade, linewidth=1, linestyle="--")
    low, high = options.get("min"), options.get("max")
    bottom, top = axes.get_ylim()
    bottom = bottom if low is None else float(low)
    top = top if high is None else float(high)
    axes.set_ylim(bottom, top if top > bottom else bottom + 1)


def _legend(
    axes: Axes, panel_data: PanelData, drawn: Sequence[tuple[tuple[QueryData, Series], Colour]]
) -> None:
    """Draw the name and last value of each series, the largest value first."""
    _, height = size(axes)
    ranked = sorted(drawn, key=lambda item: -_last(item[0][1]))
    style: dict[str, Any] = {"transform": axes.transAxes, "size": SMALL, "va": "center"}
    y = -18 / height
    for (query, series), shade in ranked[:LEGEND]:
        value = format_value(_last(series), unit(panel_data))
        axes.text(0.0, y, "▬", color=shade, **style)
        axes.text(0.03, y, f"{name(query, series)}   {value}"[:90], color=INK, **style)
        y -= 9 / height
    if len(ranked) > LEGEND:
        axes.text(0.03, y, f"and {len(ranked) - LEGEND} more", color=FAINT, **style)


def _last(series: Series) -> float:
    return [value for _, value in series.points if math.isfinite(value)][-1]


def timeline(axes: Axes, panel_data: PanelData) -> None:
    """Draw a row for each series, with the text of each state."""
    rows = panel_data.series[: max(1, int(size(axes)[1] / ROOM))]
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
    _time_axis(axes, panel_data.time_range)


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
