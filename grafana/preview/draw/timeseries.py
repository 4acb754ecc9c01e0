"""Lines over time, with thresholds and a legend of last values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...proof.answer import Series
from ..fields import defaults, lines_at, name, override, unit
from ..gather import Shown, Told
from ..look import FAINT, GRID, INK, SMALL, palette, shades
from ..units import written
from .time_axis import days, time_axis
from .words import height

# More than these say nothing in a legend, and take its place from the picture.
LEGEND = 6
Line = tuple[Told, Series]
Colour = str | tuple[float, float, float]


def timeseries(axes: Axes, shown: Shown) -> None:
    """Draw the series of every query."""
    custom = defaults(shown).get("custom", {})
    stacked = custom.get("stacking", {}).get("mode", "none") != "none"
    lines = [(told, one) for told in shown.told for one in told.answer.series if one.has_data]
    colours = _colours(shown)
    if stacked and len({len(one.points) for _, one in lines}) == 1:
        moments = _moments(lines[0][1])
        values = [[value for _, value in one.points] for _, one in lines]
        axes.stackplot(moments, *values, colors=list(colours), alpha=0.8)
    else:
        for (_, one), colour in zip(lines, colours, strict=True):
            _line(axes, one, colour, custom)
    _limits(axes, shown)
    _axes(axes, shown)
    _legend(axes, shown, list(zip(lines, colours, strict=True)))


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
    """Return a series that is broken where points are missing, as Grafana draws it."""
    points = list(series.points)
    if len(points) < 3:
        return series
    step = min(after[0] - before[0] for before, after in pairwise(points))
    found = [points[0]]
    for before, after in pairwise(points):
        if after[0] - before[0] > 1.5 * step:
            found.append((before[0] + step, math.nan))
        found.append(after)
    return Series(series.labels, found)


def _colours(shown: Shown) -> Sequence[Colour]:
    """Return a colour for each series: shades of one where the panel or the query fixes it."""
    found: list[Colour] = []
    for told in shown.told:
        count = sum(one.has_data for one in told.answer.series)
        own = override(shown, "byFrameRefID", told.asked.query.ref, "color")
        wanted = own or defaults(shown).get("color", {})
        fixed = wanted.get("fixedColor") if wanted.get("mode") in ("shades", "fixed") else None
        found += (
            shades(fixed, count) if fixed and count else palette(len(found) + count)[len(found) :]
        )
    return found


def _limits(axes: Axes, shown: Shown) -> None:
    for limit, colour in lines_at(shown):
        axes.axhline(limit, color=colour, linewidth=1, linestyle="--")
    low, high = defaults(shown).get("min"), defaults(shown).get("max")
    bottom, top = axes.get_ylim()
    bottom = bottom if low is None else float(low)
    top = top if high is None else float(high)
    axes.set_ylim(bottom, top if top > bottom else bottom + 1)


def _axes(axes: Axes, shown: Shown) -> None:
    time_axis(axes, shown.span)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, unit(shown))))
    axes.grid(color=GRID, linewidth=0.6)


def _legend(axes: Axes, shown: Shown, drawn: Sequence[tuple[Line, Colour]]) -> None:
    """Write each series' name and last value below, those with the largest last value first."""
    ranked = sorted(drawn, key=lambda one: -_last(one[0][1]))
    place = -18 / height(axes)
    for (told, series), colour in ranked[:LEGEND]:
        unit_ = unit(shown, ref=told.asked.query.ref)
        said = f"{name(told, series)}   {written(_last(series), unit_)}"
        put: dict[str, Any] = {"transform": axes.transAxes, "size": SMALL, "va": "center"}
        axes.text(0.0, place, "▬", color=colour, **put)
        axes.text(0.03, place, said[:90], color=INK, **put)
        place -= 9 / height(axes)
    if len(ranked) > LEGEND:
        said = f"and {len(ranked) - LEGEND} more"
        axes.text(0.03, place, said, transform=axes.transAxes, color=FAINT, size=SMALL, va="center")


def _last(series: Series) -> float:
    values = [value for _, value in series.points if math.isfinite(value)]
    return values[-1]
