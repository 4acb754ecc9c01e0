"""The chart of an alert's expression during its drill."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..clients.http import UnreachableError
from ..clients.prometheus import Evaluator, Line
from .expression import Comparison, branches
from .result import Chart

# The number of points that a chart as wide as a screen can show.
MAX_POINTS = 300
# A reader cannot distinguish more lines.
MAX_LINES = 8
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class TimeWindow:
    """The time range of a chart and when the alert fired (seconds since 1970).

    The chart has a point every `step` seconds.
    """

    begin: float
    end: float
    step: float
    fired: float | None = None


def record_chart(evaluator: Evaluator, expression: str, window: TimeWindow) -> Chart:
    """Return the chart of the comparison that made the alert fire, else of the first one."""
    query = _RangeQuery(evaluator, window)
    comparison = _deciding_comparison(branches(evaluator.language, expression), query)
    if comparison is None:
        return Chart(expression, values=query.lines(expression))
    return Chart(
        comparison.left,
        comparison.operator,
        comparison.right,
        query.lines(comparison.left),
        query.lines(_to_vector(comparison.right)),
    )


class _RangeQuery:
    def __init__(self, evaluator: Evaluator, window: TimeWindow) -> None:
        self._evaluator = evaluator
        self.window = window
        self._step = max(window.step, (window.end - window.begin) / MAX_POINTS)

    def lines(self, query: str) -> Sequence[Line]:
        try:
            span = (self.window.begin, self.window.end)
            return _most_variable(self._evaluator.query_range(query, span, self._step))
        except UnreachableError:
            return ()  # a missing chart fails no drill

    def true_since(self, comparison: Comparison) -> float | None:
        """Return since when the comparison was true as the alert fired; None if unknown."""
        fired = self.window.fired
        threshold = _constant(comparison.right)
        if fired is None or threshold is None:
            return None
        is_true = OPERATORS[comparison.operator]
        starts = []
        for line in self.lines(comparison.left):
            before = [point for point in line.points if point[0] <= fired]
            start = None
            for timestamp, value in reversed(before):
                if not is_true(value, threshold):
                    break
                start = timestamp
            if start is not None:
                starts.append(start)
        return max(starts, default=None)


def _deciding_comparison(
    branches: Sequence[Sequence[Comparison]], query: _RangeQuery
) -> Comparison | None:
    """Return the last comparison to become true, of a branch of `or` whose all were true."""
    comparisons = [comparison for branch in branches for comparison in branch]
    if query.window.fired is not None and len(comparisons) > 1:
        for branch in branches:
            starts = [
                (start, comparison)
                for comparison in branch
                if (start := query.true_since(comparison)) is not None
            ]
            if starts and len(starts) == len(branch):
                return max(starts, key=lambda pair: pair[0])[1]
    return comparisons[0] if comparisons else None


def _constant(side: str) -> float | None:
    try:
        return float(side)
    except ValueError:
        return None


def _to_vector(side: str) -> str:
    constant = _constant(side)
    return side if constant is None else f"vector({constant})"


def _most_variable(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines with the largest range of values, which the fault's is, in their order."""

    def value_range(line: Line) -> float:
        values = [value for _, value in line.points if math.isfinite(value)]
        return max(values) - min(values) if values else -1.0

    finite = (line for line in lines if value_range(line) >= 0)
    selected = sorted(finite, key=value_range)[-MAX_LINES:]
    return [line for line in lines if line in selected]
