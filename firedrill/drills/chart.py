"""What an alert's own expression was during its drill, for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .ask import Prometheus
from .errors import UnreachableError
from .expression import comparison
from .outcome import Chart, Line

# As many points as a chart a screen wide can show apart.
MOST_POINTS = 300
# More lines than this nobody can tell apart.
MOST_LINES = 8


def record(
    prometheus: Prometheus, expression: str, span: tuple[float, float], step: float
) -> Chart:
    """Return the chart over a span of time, with a point each `step` seconds or fewer."""
    step = max(step, (span[1] - span[0]) / MOST_POINTS)
    sides = comparison(expression)
    if sides is None:
        return Chart(expression, values=_lines(prometheus, expression, span, step))
    return Chart(
        sides.left,
        sides.sign,
        sides.right,
        _lines(prometheus, sides.left, span, step),
        _lines(prometheus, _vector(sides.right), span, step),
    )


def _vector(side: str) -> str:
    try:
        return f"vector({float(side)})"
    except ValueError:
        return side


def _lines(
    prometheus: Prometheus, query: str, span: tuple[float, float], step: float
) -> Sequence[Line]:
    try:
        return _telling(prometheus.lines(query, span, step))
    except UnreachableError:
        return ()  # a chart that can't be drawn fails no drill


def _telling(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines that moved most, as the one that is drilled does, in their order."""

    def moved(line: Line) -> float:
        values = [value for _, value in line.points if math.isfinite(value)]
        return max(values) - min(values) if values else -1.0

    most = sorted((line for line in lines if moved(line) >= 0), key=moved)[-MOST_LINES:]
    return [line for line in lines if line in most]
