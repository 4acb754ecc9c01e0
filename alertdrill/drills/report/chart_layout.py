"""The layout of a drill's chart: from the values in Prometheus to positions in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..result import Chart, DrillResult, Line
from .axis import Scale, domain, ticks
from .event_labels import EventLabel, events, place_labels
from .formats import number
from .svg_path import path, split_at_gaps

# The font size and the height of a row of labels, in pixels.
FONT_SIZE, ROW_HEIGHT = 12.0, 17.0
# The plot area and its margins: values at the left, labels at the right, seconds below.
HEIGHT, LEFT, RIGHT, BOTTOM = 200.0, 52.0, 100.0, 40.0
# The height of a plot area without values.
EMPTY_HEIGHT = 40.0
# The number of letters of a threshold's label that fit into the right margin.
MAX_LABEL_LENGTH = 15
# The distance of ticks in pixels: room for a number and as much space beside it.
TICK_DISTANCE = 75.0


@dataclass(frozen=True)
class Tick:
    """A label on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class SvgLine:
    """A line as an SVG path, with its label and one of the eight colours."""

    path: str
    label: str
    colour: int
    y_end: float


@dataclass(frozen=True)
class ChartLayout:
    """All elements of a chart, in pixels from the top left corner."""

    width: float
    height: float
    top: float
    bottom: float
    left: float
    right: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[SvgLine]
    thresholds: Sequence[SvgLine]
    event_labels: Sequence[EventLabel]
    # The start and the end of the fault; None without a fault.
    fault: tuple[float, float] | None


def layout_chart(result: DrillResult, width: float) -> ChartLayout:
    """Return the layout of a drill's chart, `width` pixels wide. The fault must have begun."""
    chart = result.chart or Chart("")
    drill_events = events(result)
    zero = result.injected or 0.0
    all_lines = (*chart.values, *chart.thresholds)
    times = [at - zero for line in all_lines for at, _ in line.points]
    times += [event.at for event in drill_events] + [result.ended - zero]
    x_scale = Scale(min(times), max(*times, min(times) + 1), LEFT, width - RIGHT)
    event_labels = place_labels(drill_events, x_scale, FONT_SIZE)
    top = (max((label.row for label in event_labels), default=0) + 1) * ROW_HEIGHT + 6
    values = [value for line in all_lines for _, value in line.points]
    low, high = domain(values)
    bottom = top + (HEIGHT if values else EMPTY_HEIGHT)
    y_scale = Scale(low, high, bottom, top)

    def svg_line(line: Line, colour: int, label: str) -> SvgLine:
        segments = [
            [(x_scale(at - zero), y_scale(value)) for at, value in segment]
            for segment in split_at_gaps(line.points)
        ]
        y_end = segments[-1][-1][1] if segments else top
        return SvgLine(path(segments), label, colour, y_end)

    names, threshold_names = line_labels(chart.values), _threshold_labels(chart)
    off = next((label.x for label in event_labels if label.event.kind == "off"), x_scale.end)
    return ChartLayout(
        width=width,
        height=bottom + BOTTOM,
        top=top,
        bottom=bottom,
        left=LEFT,
        right=width - RIGHT,
        x_ticks=[
            Tick(x_scale(at), number(at))
            for at in ticks(x_scale.low, x_scale.high, round((x_scale.end - LEFT) / TICK_DISTANCE))
        ],
        y_ticks=[Tick(y_scale(at), number(at)) for at in ticks(low, high, 4)] if values else [],
        lines=[svg_line(line, n % 8, names[n]) for n, line in enumerate(chart.values)],
        thresholds=[
            svg_line(line, 0, threshold_names[n]) for n, line in enumerate(chart.thresholds)
        ],
        event_labels=event_labels,
        fault=(x_scale(0.0), off) if drill_events else None,
    )


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


def _threshold_labels(chart: Chart) -> list[str]:
    """Return the threshold if it is a number, else the labels that distinguish each line."""
    if len(chart.thresholds) > 1:
        names = [
            ", ".join(value for _, value in labels)
            for labels in _distinguishing_labels(chart.thresholds)
        ]
        return [name if len(name) <= MAX_LABEL_LENGTH else "threshold" for name in names]
    try:
        return [f"{chart.comparison} {number(float(chart.threshold))}"]
    except ValueError:
        return ["threshold"]
