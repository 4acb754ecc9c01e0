"""A drill's chart: from what Prometheus saw to places in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..outcome import Chart, Line, Outcome
from .formats import number
from .lines import path, pieces
from .marks import Mark, moments, place
from .scales import Scale, domain, ticks

# The size of the text, and of a row of labels, in pixels.
TEXT, ROW = 12.0, 17.0
# The plot itself. Around it: values at the left, labels that run over at the right, seconds below.
HEIGHT, LEFT, RIGHT, BELOW = 200.0, 52.0, 100.0, 40.0
# Only the moments, where there is no value to draw.
EMPTY = 40.0
# So many letters of a threshold's label fit in the space at the right.
LONGEST = 15
# A tick for about so many pixels across: room for a number and as much again beside it.
BETWEEN = 75.0


@dataclass(frozen=True)
class Tick:
    """A label on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Drawn:
    """A line as an SVG path, what it is called, and which of the eight colours it has."""

    path: str
    label: str
    colour: int
    y_end: float


@dataclass(frozen=True)
class Plot:
    """All that is drawn, in pixels from the top left corner."""

    width: float
    height: float
    top: float
    bottom: float
    left: float
    right: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Drawn]
    thresholds: Sequence[Drawn]
    marks: Sequence[Mark]
    # From where to where the fault was on; None if it never was.
    fault: tuple[float, float] | None


def plot(outcome: Outcome, width: float) -> Plot:
    """Lay out the chart of a drill whose fault began, so many pixels wide."""
    chart = outcome.chart or Chart("")
    found = moments(outcome)
    zero = outcome.injected or 0.0
    every = (*chart.values, *chart.thresholds)
    times = [at - zero for line in every for at, _ in line.points]
    times += [moment.at for moment in found] + [outcome.ended - zero]
    across = Scale(min(times), max(*times, min(times) + 1), LEFT, width - RIGHT)
    marks = place(found, across, TEXT)
    top = (max((mark.row for mark in marks), default=0) + 1) * ROW + 6
    values = [value for line in every for _, value in line.points]
    low, high = domain(values)
    bottom = top + (HEIGHT if values else EMPTY)
    up = Scale(low, high, bottom, top)

    def drawn(line: Line, colour: int, label: str) -> Drawn:
        stretches = [
            [(across(at - zero), up(value)) for at, value in piece] for piece in pieces(line.points)
        ]
        last = stretches[-1][-1][1] if stretches else top
        return Drawn(path(stretches), label, colour, last)

    names, bounds = labels(chart.values), _threshold_labels(chart)
    off = next((mark.x for mark in marks if mark.moment.kind == "off"), across.end)
    return Plot(
        width=width,
        height=bottom + BELOW,
        top=top,
        bottom=bottom,
        left=LEFT,
        right=width - RIGHT,
        x_ticks=[
            Tick(across(at), number(at))
            for at in ticks(across.low, across.high, round((across.end - LEFT) / BETWEEN))
        ],
        y_ticks=[Tick(up(at), number(at)) for at in ticks(low, high, 4)] if values else [],
        lines=[drawn(line, n % 8, names[n]) for n, line in enumerate(chart.values)],
        thresholds=[drawn(line, 0, bounds[n]) for n, line in enumerate(chart.thresholds)],
        marks=marks,
        fault=(across(0.0), off) if found else None,
    )


def labels(lines: Sequence[Line]) -> list[str]:
    """Return what tells each line from the others, or all labels of the only one."""
    return [", ".join(f"{key}={value}" for key, value in each) for each in _distinct(lines)]


def _distinct(lines: Sequence[Line]) -> list[list[tuple[str, str]]]:
    every = [set(line.labels.items()) for line in lines]
    shared = set.intersection(*every) if len(every) > 1 else set()
    return [sorted(each - shared) for each in every]


def _threshold_labels(chart: Chart) -> list[str]:
    """Return the number itself where it is one, or whose threshold a line is."""
    if len(chart.thresholds) > 1:
        names = [", ".join(value for _, value in each) for each in _distinct(chart.thresholds)]
        return [name if len(name) <= LONGEST else "threshold" for name in names]
    try:
        return [f"{chart.comparison} {number(float(chart.threshold))}"]
    except ValueError:
        return ["threshold"]
