"""What an alert's own expression was during its drill, for the report."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .clients import Evaluator
from .errors import UnreachableError
from .expression import Comparison
from .outcome import Chart, Line

# As many points as a chart a screen wide can show apart.
MOST_POINTS = 300
# More lines than this nobody can tell apart.
MOST_LINES = 8
SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Period:
    """From when to when (seconds since 1970), a point each `step` seconds; when it fired."""

    begin: float
    end: float
    step: float
    fired: float | None = None


def record(evaluator: Evaluator, expression: str, period: Period) -> Chart:
    """Return the chart of the comparison that made the alert fire, else of the first."""
    look = _Look(evaluator, period)
    sides = _deciding(evaluator.branches(expression), look)
    if sides is None:
        return Chart(expression, values=look.lines(expression))
    return Chart(
        sides.left,
        sides.sign,
        sides.right,
        look.lines(sides.left),
        look.lines(_vector(sides.right)),
    )


class _Look:
    def __init__(self, evaluator: Evaluator, period: Period) -> None:
        self._evaluator = evaluator
        self.period = period
        self._step = max(period.step, (period.end - period.begin) / MOST_POINTS)

    def lines(self, query: str) -> Sequence[Line]:
        try:
            span = (self.period.begin, self.period.end)
            return _telling(self._evaluator.query_range(query, span, self._step))
        except UnreachableError:
            return ()  # a chart that can't be drawn fails no drill

    def since(self, sides: Comparison) -> float | None:
        """Return since when it held as the alert fired; None if it did not, or can't be said."""
        fired = self.period.fired
        threshold = _number(sides.right)
        if fired is None or threshold is None:
            return None
        holds = SIGNS[sides.sign]
        found = []
        for line in self.lines(sides.left):
            before = [point for point in line.points if point[0] <= fired]
            since = None
            for at, value in reversed(before):
                if not holds(value, threshold):
                    break
                since = at
            if since is not None:
                found.append(since)
        return max(found, default=None)


def _deciding(sides: Sequence[Sequence[Comparison]], look: _Look) -> Comparison | None:
    """Return the last comparison that came to hold, of a side of `or` on which all did."""
    every = [each for side in sides for each in side]
    if look.period.fired is not None and len(every) > 1:
        for side in sides:
            held = [(at, each) for each in side if (at := look.since(each)) is not None]
            if held and len(held) == len(side):
                return max(held, key=lambda pair: pair[0])[1]
    return every[0] if every else None


def _number(side: str) -> float | None:
    try:
        return float(side)
    except ValueError:
        return None


def _vector(side: str) -> str:
    number = _number(side)
    return side if number is None else f"vector({number})"


def _telling(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines that moved most, as the one that is drilled does, in their order."""

    def moved(line: Line) -> float:
        values = [value for _, value in line.points if math.isfinite(value)]
        return max(values) - min(values) if values else -1.0

    most = sorted((line for line in lines if moved(line) >= 0), key=moved)[-MOST_LINES:]
    return [line for line in lines if line in most]
