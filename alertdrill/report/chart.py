"""Charts as inline SVG, drawn by matplotlib in the colours of the page's style sheet."""

from __future__ import annotations

import io
import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from .page import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_COLOURS = 8
# The variables of style.css that a chart uses. matplotlib draws in a placeholder for each.
COLOURS = [
    *("page", "text", "soft", "rule", "good", "bad", "fault", "hatch", "alert", "action"),
    *(f"c{index}" for index in range(LINE_COLOURS)),
]
# The distance of ticks in pixels: room for a number and as much space beside it.
TICK_DISTANCE = 75.0
# Prometheus omits missing samples. A distance of more than this many steps is a gap in the line.
GAP_STEPS = 2.5
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Frame:
    """The plot area of a chart and its margins, in pixels."""

    width: float
    height: float
    top: float
    right: float
    bottom: float
    left: float = 52.0


def colour(variable: str) -> str:
    """Return the placeholder of a variable of the style sheet."""
    return f"#0000{COLOURS.index(variable) + 1:02x}"  # black has no style in an SVG


def draw(
    frame: Frame, title: str, description: str, paint: Callable[[Axes], None], size: str = ""
) -> Markup:
    """Return a chart as an SVG element; `paint` adds its content.

    `size` is the class of screens that show it. The same chart gives the same SVG. The title makes
    its ids unique in the page.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its cache may not be writable
    # matplotlib takes half a second to import, and most commands draw nothing.
    from matplotlib import figure, rc_context  # noqa: PLC0415

    width = frame.left + frame.width + frame.right
    height = frame.top + frame.height + frame.bottom
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "svg.hashsalt": f"{title} {width:.0f}",
        "font.size": 12,
        "text.color": colour("text"),
        "axes.facecolor": "none",
        "axes.edgecolor": colour("soft"),
        "axes.labelcolor": colour("soft"),
        "axes.axisbelow": True,
        "axes.autolimit_mode": "round_numbers",
        "axes.ymargin": 0,
        **{f"axes.spines.{side}": False for side in ("top", "left", "right")},
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": colour("rule"),
        **{f"{axis}tick.labelcolor": colour("soft") for axis in "xy"},
        **{f"{axis}tick.major.size": 0 for axis in "xy"},
        **{f"{axis}tick.major.pad": 6 for axis in "xy"},
        "hatch.color": colour("hatch"),
        "hatch.linewidth": 2,
        "lines.linewidth": 1.75,
        "lines.solid_capstyle": "round",
    }
    with rc_context(settings):
        # At 72 dots per inch a point is a pixel.
        canvas = figure.Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
        x, y = frame.left / width, frame.bottom / height
        axes = canvas.add_axes((x, y, frame.width / width, frame.height / height))
        ticks = max(2, round(frame.width / TICK_DISTANCE))
        axes.locator_params("x", nbins=ticks, steps=[1, 2, 5, 10])
        axes.locator_params("y", nbins=4, steps=[1, 2, 5, 10])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: number(round(value, 12)))
        paint(axes)
        file = io.StringIO()
        canvas.savefig(file, format="svg")
    head = Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img"><title>{}</title><desc>{}</desc>'
    )
    head = head.format(f"chart {size}".strip(), width, height, title, description)
    return head + Markup(_inline(file.getvalue()))  # noqa: S704 - matplotlib escapes its text


def _inline(svg: str) -> str:
    """Return matplotlib's drawing in the colours and the font of the page, without needless ids."""
    body = svg[svg.index('<g id="figure') :]  # the style before it would apply to the whole page
    for pattern, text in (
        (r'<g id="class ([^"]*)"', r'<g class="\1"'),
        (r'<g id="[^"]*"', "<g"),
        (r' transform="rotate\(-0 [^"]*"', ""),
        (r"font-family: [^;\"]*(; )?", ""),
        (r"\s*\n\s*(?=[<LMz\"])", " "),
    ):
        body = re.sub(pattern, text, body)
    return re.sub(r"#0000(..)", lambda match: f"var(--{COLOURS[int(match[1], 16) - 1]})", body)


def plot_line(axes: Axes, points: Points, **style: Any) -> None:
    """Plot a line with a gap wherever samples are missing or are not finite."""
    finite = [(at, value) for at, value in points if math.isfinite(value)]
    steps = [after[0] - before[0] for before, after in pairwise(finite)]
    gap = GAP_STEPS * median(steps) if steps else math.inf
    segments = [finite[:1]]
    for step, point in zip(steps, finite[1:], strict=True):
        if step > gap:
            segments.append([])
        segments[-1].append(point)
    for segment in filter(None, segments):
        # A single point becomes a dot, since the ends of a line are round.
        ends = segment * 2 if len(segment) == 1 else segment
        axes.plot(*zip(*ends, strict=True), **style)


def annotate(
    axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **style: Any
) -> None:
    """Write a text at some pixels from a point, outside the plot area too."""
    style = {"textcoords": "offset points", "annotation_clip": False, **style}
    axes.annotate(text, at, xytext=offset, **style)


def include_zero(axes: Axes) -> None:
    """Extend the vertical axis to 0 if it is near, and leave room for a horizontal line.

    0 is near if it is within twice the range of the values: it then costs half of the chart.
    """
    low, high = axes.dataLim.intervaly if axes.lines else (0.0, 0.0)
    if low == high or min(abs(low), abs(high)) <= 2 * (high - low):
        axes.update_datalim([(axes.get_xlim()[0], 0.0)])
    if low == high == 0:
        axes.update_datalim([(axes.get_xlim()[0], 1.0)])
    axes.autoscale_view(scalex=False)
