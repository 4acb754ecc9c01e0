"""Draw a time series panel: lines, thresholds and a legend of last values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...query_check.results import Series
from ..fields import defaults, lines_at, name, override, unit
from ..panel_data import PanelData, QueryData
from ..style import FAINT, GRID, INK, SMALL, palette, shades
from ..units import format_value
from .panel_text import height
from .time_axis import days, time_axis

# A longer legend would leave too little space for the plot.
LEGEND = 6
Line = tuple[QueryData, Series]
Colour = str | tuple[float, float, float]


def timeseries(axes: Axes, panel_data: PanelData) -> None:
    """Draw the series of every query."""
    custom = defaults(panel_data).get("custom", {})
    stacked = custom.get("stacking", {}).get("mode", "none") != "none"
    lines = [
        (query, line)
        for query in panel_data.queries
        for line in query.result.series
        if line.has_data
    ]
    colours = _colours(panel_data)
    if stacked and len({len(series.points) for _, series in lines}) == 1:
        moments = _moments(lines[0][1])
        values = [[value for _, value in line.points] for _, line in lines]
        axes.stackplot(moments, *values, colors=list(colours), alpha=0.8)
    else:
        for (_, line), colour in zip(lines, colours, strict=True):
            _line(axes, line, colour, custom)
    _limits(axes, panel_data)
    _axes(axes, panel_data)
    _legend(axes, panel_data, list(zip(lines, colours, strict=True)))


def _moments(series: Series) -> list[float]:
    return [days(at) for at, _ in series.points]


def _line(axes: Axes, series: Series, colour: Colour, custom: dict[str, object]) -> None:
    gapped = _gapped(series)
    width = float(str(custom.get("lineWidth", 1))) * 0.6
    style = "steps-post" if custom.get("lineInterpolation") == "stepAfter" else "default"
    alone = len(series.points) == 1
    axes.plot(
        _moments(gapped),
        [value for _, value in gapped.points],
        color=colour,
        linewidth=width,
        drawstyle=style,
        marker="o" if alone else None,
        markersize=3,
    )


def _gapped(series: Series) -> Series:
    """Return a series with gaps where points are missing, as Grafana draws it."""
    points = list(series.points)
    if len(points) < 3:
        return series
    step = min(after[0] - before[0] for before, after in pairwise(points))
    result = [points[0]]
    for before, after in pairwise(points):
        if after[0] - before[0] > 1.5 * step:
            result.append((before[0] + step, math.nan))
        result.append(after)
    return Series(series.labels, result)


def _colours(panel_data: PanelData) -> Sequence[Colour]:
    """Return a colour for each series: shades of one colour if the panel or query sets it."""
    result: list[Colour] = []
    for query in panel_data.queries:
        count = sum(line.has_data for line in query.result.series)
        own = override(panel_data, "byFrameRefID", query.panel_query.query.ref, "color")
        colour_options = own or defaults(panel_data).get("color", {})
        fixed = (
            colour_options.get("fixedColor")
            if colour_options.get("mode") in ("shades", "fixed")
            else None
        )
        result += (
            shades(fixed, count) if fixed and count else palette(len(result) + count)[len(result) :]
        )
    return result


def _limits(axes: Axes, panel_data: PanelData) -> None:
    for limit, colour in lines_at(panel_data):
        axes.axhline(limit, color=colour, linewidth=1, linestyle="--")
    low, high = defaults(panel_data).get("min"), defaults(panel_data).get("max")
    bottom, top = axes.get_ylim()
    bottom = bottom if low is None else float(low)
    top = top if high is None else float(high)
    axes.set_ylim(bottom, top if top > bottom else bottom + 1)


def _axes(axes: Axes, panel_data: PanelData) -> None:
    time_axis(axes, panel_data.time_range)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_value(value, unit(panel_data)))
    )
    axes.grid(color=GRID, linewidth=0.6)


def _legend(axes: Axes, panel_data: PanelData, drawn: Sequence[tuple[Line, Colour]]) -> None:
    """Draw the name and last value of each series, the largest value first."""
    ranked = sorted(drawn, key=lambda line: -_last(line[0][1]))
    y = -18 / height(axes)
    for (query, series), colour in ranked[:LEGEND]:
        unit_ = unit(panel_data, ref=query.panel_query.query.ref)
        text = f"{name(query, series)}   {format_value(_last(series), unit_)}"
        style: dict[str, Any] = {"transform": axes.transAxes, "size": SMALL, "va": "center"}
        axes.text(0.0, y, "▬", color=colour, **style)
        axes.text(0.03, y, text[:90], color=INK, **style)
        y -= 9 / height(axes)
    if len(ranked) > LEGEND:
        text = f"and {len(ranked) - LEGEND} more"
        axes.text(0.03, y, text, transform=axes.transAxes, color=FAINT, size=SMALL, va="center")


def _last(series: Series) -> float:
    values = [value for _, value in series.points if math.isfinite(value)]
    return values[-1]
