"""The chart of an alert's expression during its drill, with the events of the drill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ..clients.prometheus import Line
from ..report.chart import LINE_COLOURS, Frame, annotate, colour, draw, include_zero, plot_line
from ..report.page import number, seconds
from .result import PHASES, Chart, DrillResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The height of a row of labels, and the space between a line and its label, in pixels.
ROW_HEIGHT, LABEL_SPACE = 17.0, 5.0
# The height of the plot area, without values too, and the margin for the labels of thresholds.
HEIGHT, EMPTY_HEIGHT, RIGHT = 200.0, 40.0, 100.0
# The number of letters of a threshold's label that fit into the right margin.
MAX_LABEL_LENGTH = 15
# The widths of a chart on a desktop and on a phone.
WIDTHS = {"wide": 1040.0, "narrow": 400.0}
EVENT_COLOURS = {"on": "bad", "off": "bad", "firing": "bad", "healed": "good"}
DASHES, DOTS = (0, (7, 4)), (0, (2, 4))


def drill_charts(result: DrillResult) -> list[Markup]:
    """Return the charts of a drill's expression, one for each width; none without a fault."""
    if result.injected is None:
        return []
    events = drill_events(result)
    has_values = bool(result.chart and (result.chart.values or result.chart.thresholds))
    height, top = HEIGHT if has_values else EMPTY_HEIGHT, len(events) * ROW_HEIGHT + 6
    title = f"The expression of {result.alert} over time"
    description = ", ".join(label for _, _, label in events)

    def paint(axes: Axes) -> None:
        _plot(axes, result, [at for at, _, _ in events])
        for row, (at, kind, label) in enumerate(events):
            # Each label has a row of its own, so no line crosses a label.
            end = 1 + (6 + ROW_HEIGHT * (len(events) - row - 0.5)) / height
            name, transform = EVENT_COLOURS.get(kind), axes.get_xaxis_transform()
            line: dict[str, Any] = {"transform": transform, "gid": f"class event {kind}"}
            line |= {"color": colour(name or "soft"), "linewidth": 1, "solid_capstyle": "butt"}
            axes.plot([at, at], [0, end], clip_on=False, **line)
            text = {"xycoords": transform, "gid": line["gid"], "color": colour(name or "text")}
            text["fontweight"] = 600 if kind in ("firing", "healed") else "normal"
            text["verticalalignment"] = "center_baseline"
            annotate(axes, label, (at, end), (LABEL_SPACE, 0), **text)

    frames = {
        size: Frame(width - Frame.left - RIGHT, height, top, RIGHT, 40.0)
        for size, width in WIDTHS.items()
    }
    return [draw(frame, title, description, paint, size) for size, frame in frames.items()]


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
        if (took := result.times.get(phase)) is None:
            continue
        is_last = phase == "resolved"
        at, sign = (recovered + took, "+") if is_last else (took, "")
        events.append((at, phase, f"{phase} {sign}{seconds(took)} s"))
    return sorted(events, key=lambda event: event[0])


def _plot(axes: Axes, result: DrillResult, event_times: Sequence[float]) -> None:
    """Plot the fault, the thresholds and the values, in seconds since the fault began."""
    chart, zero = result.chart or Chart(""), result.injected or 0.0
    lines = [
        [(at - zero, value) for at, value in line.points]
        for line in (*chart.thresholds, *chart.values)
    ]
    times = [at for points in lines for at, _ in points]
    times += [*event_times, result.ended - zero]
    begin, end = min(times), max(*times, min(times) + 1)
    axes.set_xlim(begin, end)
    axes.set_xlabel("seconds since the fault began")
    style: dict[str, Any]
    off = end if result.removed is None else result.removed - zero
    axes.axvspan(0.0, off, facecolor=colour("fault"), edgecolor="none", gid="class fault")
    if result.backfilled and begin < 0:
        style = {"facecolor": "none", "edgecolor": colour("hatch"), "hatch": "//", "linewidth": 0}
        axes.axvspan(begin, 0.0, **style)
        box = {"facecolor": colour("page"), "edgecolor": "none", "pad": 2}
        style = {"verticalalignment": "top", "color": colour("soft"), "bbox": box}
        style["xycoords"] = axes.get_xaxis_transform()
        annotate(axes, "synthetic\nsamples", (begin, 1.0), (6, -6), **style)
    labels = _threshold_labels(chart)
    for points, label in zip(lines, labels, strict=False):
        style = {"color": colour("text"), "linewidth": 1.25, "linestyle": DOTS}
        plot_line(axes, points, **style, gid="class threshold")
        values = [value for _, value in points if math.isfinite(value)]
        if values:
            style = {"fontweight": 600, "verticalalignment": "center_baseline"}
            style["xycoords"] = axes.get_yaxis_transform()
            annotate(axes, label, (1.0, values[-1]), (6, 0), **style)
    for index, points in enumerate(lines[len(labels) :]):
        style = {"linestyle": DASHES} if index % LINE_COLOURS >= LINE_COLOURS / 2 else {}
        style["color"] = colour(f"c{index % LINE_COLOURS}")
        plot_line(axes, points, **style, gid="class line")
    include_zero(axes)
    if not lines:
        axes.set_yticks([])


def distinguishing_labels(lines: Sequence[Line]) -> list[list[tuple[str, str]]]:
    """Return the labels that distinguish each line; all labels of a single line."""
    label_sets = [set(line.labels.items()) for line in lines]
    shared = set.intersection(*label_sets) if len(label_sets) > 1 else set()
    return [sorted(labels - shared) for labels in label_sets]


def _threshold_labels(chart: Chart) -> list[str]:
    """Return the threshold if it is a number, else the labels that distinguish each line."""
    if len(chart.thresholds) > 1:
        names = [
            ", ".join(value for _, value in labels)
            for labels in distinguishing_labels(chart.thresholds)
        ]
        return [name if len(name) <= MAX_LABEL_LENGTH else "threshold" for name in names]
    try:
        label = f"{chart.comparison} {number(float(chart.threshold))}"
    except ValueError:
        label = "threshold"
    return [label] * len(chart.thresholds)
