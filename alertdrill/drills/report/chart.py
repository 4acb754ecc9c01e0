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
from xml.etree import ElementTree as ET

from ...clients.prometheus import Line
from ..result import PHASES, Chart, DrillResult
from .formats import number, seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The variables of style.css that a chart uses. A chart has a placeholder for each until `_inline`.
VARIABLES = ("page", "text", "soft", "rule", "good", "bad", "fault", "hatch", "alert", "action")
LINE_COLOURS = 8
# The height of a row of labels, and the space between a line and its label, in pixels.
ROW_HEIGHT, LABEL_SPACE = 17.0, 5.0
# The plot area of a drill's chart, without values too, and its margins. Labels are at the right.
HEIGHT, EMPTY_HEIGHT, LEFT, RIGHT, BOTTOM = 200.0, 40.0, 52.0, 100.0, 40.0
# The number of letters of a threshold's label that fit into the right margin.
MAX_LABEL_LENGTH = 15
# The distance of ticks in pixels: room for a number and as much space beside it.
TICK_DISTANCE = 75.0
# Prometheus omits missing samples. A distance of more than this many steps is a gap in the line.
GAP_STEPS = 2.5


@dataclass(frozen=True)
class Frame:
    """The plot area of a chart and its margins, in pixels."""

    width: float
    height: float
    top: float
    left: float
    right: float
    bottom: float


def colour(variable: str | int) -> str:
    """Return the placeholder of a variable of the style sheet, or of the nth line's colour."""
    if isinstance(variable, int):
        return f"#0001{variable % LINE_COLOURS:02x}"
    return f"#0000{VARIABLES.index(variable) + 1:02x}"


def draw(frame: Frame, title: str, description: str, paint: Callable[[Axes], None]) -> ET.Element:
    """Return a chart as an SVG element; `paint` adds its content.

    The same chart gives the same SVG. The title makes its ids unique in the page.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its cache may not be writable
    # matplotlib takes half a second to import, and most commands draw nothing.
    from matplotlib import figure, rc_context, ticker  # noqa: PLC0415

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
        "xtick.major.pad": 6,
        "ytick.major.pad": 6,
        "hatch.color": colour("hatch"),
        "hatch.linewidth": 2,
        "lines.linewidth": 1.75,
        "lines.solid_capstyle": "round",
    }
    with rc_context(settings):
        # At 72 dots per inch a point is a pixel.
        canvas = figure.Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
        axes = canvas.add_axes(
            (
                frame.left / width,
                frame.bottom / height,
                frame.width / width,
                frame.height / height,
            )
        )
        for axis, count in ((axes.xaxis, round(frame.width / TICK_DISTANCE)), (axes.yaxis, 4)):
            axis.set_major_locator(ticker.MaxNLocator(max(2, count), steps=[1, 2, 5, 10]))
            axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _tick_label(value)))
        paint(axes)
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator")))
    return _inline(file.getvalue(), title, description)


def _tick_label(value: float) -> str:
    return number(round(value, 12))


def _inline(svg: str, title: str, description: str) -> ET.Element:
    """Return matplotlib's SVG for use inside a page: in its colours and fonts, without ids."""
    root = ET.fromstring(svg)  # noqa: S314 - matplotlib's own text
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        name = element.get("id", "") if element.tag == "g" else ""
        if name:
            del element.attrib["id"]
        if name.startswith("class "):
            element.set("class", name.removeprefix("class "))
        if "rotate(-0" in element.get("transform", ""):
            del element.attrib["transform"]
        style = re.sub(r"font-family: [^;]*(; |$)", "", element.get("style", ""))
        style = re.sub(r"#0000(..)", lambda m: f"var(--{VARIABLES[int(m[1], 16) - 1]})", style)
        style = re.sub(r"#0001(..)", lambda m: f"var(--c{int(m[1], 16)})", style)
        if style:
            element.set("style", style)
        if "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
        element.text, element.tail = (element.text or "").strip() or None, None
    for child in root.findall("metadata") + [
        defs for defs in root.findall("defs") if defs.find("style") is not None
    ]:
        root.remove(child)  # the style would apply to the whole page
    root.attrib = {"class": "chart", "viewBox": root.attrib["viewBox"], "role": "img"}
    for tag, text in (("desc", description), ("title", title)):
        element = ET.Element(tag)
        element.text = text
        root.insert(0, element)
    return root


def plot_line(axes: Axes, points: Sequence[tuple[float, float]], **style: Any) -> None:
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


def include_zero(axes: Axes, lines: Sequence[Line]) -> None:
    """Extend the vertical axis to 0 if it is near, and leave room for a horizontal line.

    0 is near if it is within twice the range of the values: it then costs half of the chart.
    """
    values = [value for line in lines for _, value in line.points if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low == high or min(abs(low), abs(high)) <= 2 * (high - low):
        axes.update_datalim([(axes.get_xlim()[0], 0.0)])
    if low == high == 0:
        axes.update_datalim([(axes.get_xlim()[0], 1.0)])
    axes.autoscale_view(scalex=False)


def line_labels(lines: Sequence[Line]) -> list[str]:
    """Return the labels that distinguish each line; all labels of a single line."""
    return [
        ", ".join(f"{name}={value}" for name, value in labels)
        for labels in _distinguishing_labels(lines)
    ]


def _distinguishing_labels(lines: Sequence[Line]) -> list[list[tuple[str, str]]]:
    label_sets = [set(line.labels.items()) for line in lines]
    shared = set.intersection(*label_sets) if len(label_sets) > 1 else set()
    return [sorted(labels - shared) for labels in label_sets]


# The chart of a drill


def drill_chart(result: DrillResult, width: float) -> ET.Element:
    """Return the chart of a drill's expression, `width` pixels wide. The fault must have begun."""
    events = drill_events(result)
    top = len(events) * ROW_HEIGHT + 6
    has_values = bool(result.chart and (result.chart.values or result.chart.thresholds))
    height = HEIGHT if has_values else EMPTY_HEIGHT
    frame = Frame(width - LEFT - RIGHT, height, top, LEFT, RIGHT, BOTTOM)
    return draw(
        frame,
        f"The expression of {result.alert} over time",
        ", ".join(label for _, _, label in events),
        lambda axes: _paint(axes, result, events, frame),
    )


def drill_events(result: DrillResult) -> list[tuple[float, str, str]]:
    """Return the seconds since the fault began, the kind and the label of each event, in order."""
    if result.injected is None:
        return []
    events = [(0.0, "on", "fault on")]
    if result.removed is not None:
        off = result.removed - result.injected
        events.append((off, "off", f"fault off {seconds(off)} s"))
    recovered = (result.recovered_at or result.injected) - result.injected
    for phase in PHASES:
        took = result.times.get(phase)
        if took is None:
            continue
        if phase == "resolved":
            events.append((recovered + took, phase, f"resolved +{seconds(took)} s"))
        else:
            events.append((took, phase, f"{phase} {seconds(took)} s"))
    return sorted(events, key=lambda event: event[0])


def _paint(
    axes: Axes, result: DrillResult, events: Sequence[tuple[float, str, str]], frame: Frame
) -> None:
    chart, zero = result.chart or Chart(""), result.injected or 0.0
    lines = (*chart.values, *chart.thresholds)
    times = [at - zero for line in lines for at, _ in line.points]
    times += [at for at, _, _ in events] + [result.ended - zero]
    begin, end = min(times), max(*times, min(times) + 1)
    axes.set_xlim(begin, end)
    axes.set_xlabel("seconds since the fault began")
    off = next((at for at, kind, _ in events if kind == "off"), end)
    axes.axvspan(0.0, off, facecolor=colour("fault"), edgecolor="none", gid="class fault")
    if result.backfilled and begin < 0:
        _mark_backfill(axes, begin)
    for index, (line, label) in enumerate(
        zip(chart.thresholds, _threshold_labels(chart), strict=True)
    ):
        style = {"color": colour("text"), "linewidth": 1.25, "linestyle": (0, (2, 4))}
        plot_line(axes, _since(line, zero), **style, gid=f"class threshold t{index}")
        values = [value for _, value in line.points if math.isfinite(value)]
        if values:
            style = {"fontweight": 600, "verticalalignment": "center_baseline"}
            transform = axes.get_yaxis_transform()
            annotate(axes, label, (1.0, values[-1]), (6, 0), xycoords=transform, **style)
    for index, line in enumerate(chart.values):
        style = {"linestyle": (0, (7, 4))} if index % LINE_COLOURS >= LINE_COLOURS / 2 else {}
        plot_line(axes, _since(line, zero), color=colour(index), **style, gid="class line")
    include_zero(axes, lines)
    if not lines:
        axes.set_yticks([])
    _mark_events(axes, events, frame)


def _since(line: Line, zero: float) -> list[tuple[float, float]]:
    return [(at - zero, value) for at, value in line.points]


def _mark_backfill(axes: Axes, begin: float) -> None:
    axes.axvspan(begin, 0.0, facecolor="none", edgecolor=colour("hatch"), hatch="//", linewidth=0)
    box = {"facecolor": colour("page"), "edgecolor": "none", "pad": 2}
    style = {"verticalalignment": "top", "color": colour("soft"), "bbox": box}
    transform = axes.get_xaxis_transform()
    annotate(axes, "synthetic\nsamples", (begin, 1.0), (6, -6), xycoords=transform, **style)


def _mark_events(axes: Axes, events: Sequence[tuple[float, str, str]], frame: Frame) -> None:
    """Draw a line at each event. Its label has a row of its own, so no line crosses a label."""
    colours = {"on": "bad", "off": "bad", "firing": "bad", "healed": "good"}
    transform = axes.get_xaxis_transform()
    for row, (at, kind, label) in enumerate(events):
        top = 1 + (6 + ROW_HEIGHT * (len(events) - row - 0.5)) / frame.height
        name, gid = colours.get(kind), f"class event {kind}"
        line: dict[str, Any] = {
            "color": colour(name or "soft"),
            "linewidth": 1,
            "solid_capstyle": "butt",
        }
        axes.plot([at, at], [0, top], transform=transform, clip_on=False, gid=gid, **line)
        text = {
            "color": colour(name or "text"),
            "fontweight": 600 if kind in ("firing", "healed") else "normal",
            "verticalalignment": "center_baseline",
        }
        annotate(axes, label, (at, top), (LABEL_SPACE, 0), xycoords=transform, gid=gid, **text)


def _threshold_labels(chart: Chart) -> list[str]:
    """Return the threshold if it is a number, else the labels that distinguish each line."""
    if len(chart.thresholds) > 1:
        names = [
            ", ".join(value for _, value in labels)
            for labels in _distinguishing_labels(chart.thresholds)
        ]
        return [name if len(name) <= MAX_LABEL_LENGTH else "threshold" for name in names]
    try:
        labels = [f"{chart.comparison} {number(float(chart.threshold))}"]
    except ValueError:
        labels = ["threshold"]
    return labels[: len(chart.thresholds)]
