"""The chart of an alert's expression during its drill."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from ..clients.http import UnreachableError
from ..clients.prometheus import Evaluator, Line
from .context import DrillContext
from .expression import Comparison, branches
from .result import Chart, DrillResult

# The number of points that a chart as wide as a screen can show.
MAX_POINTS = 300
# A reader cannot distinguish more lines.
MAX_LINES = 8
# How many scrapes before the fault a chart shows.
SCRAPES_BEFORE = 20
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def record(result: DrillResult, context: DrillContext) -> Chart | None:
    """Return the values of the alert's expression from shortly before the fault until now.

    Return None if the evaluator does not answer or has no such rule.
    """
    evaluator, injected = context.evaluator(result.alert), result.injected or 0.0
    try:
        rule, step = evaluator.rule(result.alert), context.prometheus.scrape_interval()
    except UnreachableError:
        return None
    fired = injected + result.times["firing"] if "firing" in result.times else None
    window = (injected - SCRAPES_BEFORE * step, time.time())
    return record_chart(evaluator, rule.query, window, step, fired) if rule else None


def record_chart(
    evaluator: Evaluator,
    expression: str,
    window: tuple[float, float],
    step: float,
    fired: float | None = None,
) -> Chart:
    """Return the chart of the comparison that made the alert fire, else of the first one.

    `window` and `fired` are in seconds since 1970, `step` is the distance of points in seconds.
    """
    step = max(step, (window[1] - window[0]) / MAX_POINTS)

    def lines(query: str) -> Sequence[Line]:
        try:
            return _most_variable(evaluator.query_range(query, window, step))
        except UnreachableError:
            return ()  # a missing chart fails no drill

    alternatives = branches(evaluator.language, expression)
    comparison = _deciding_comparison(alternatives, lines, fired)
    if comparison is None:
        return Chart(expression, values=lines(expression))
    constant = _constant(comparison.right)
    threshold = comparison.right if constant is None else f"vector({constant})"
    values, thresholds = lines(comparison.left), lines(threshold)
    return Chart(comparison.left, comparison.operator, comparison.right, values, thresholds)


def _deciding_comparison(
    alternatives: Sequence[Sequence[Comparison]],
    lines: Callable[[str], Sequence[Line]],
    fired: float | None,
) -> Comparison | None:
    """Return the last comparison to become true, of a branch of `or` whose all were true."""
    comparisons = [comparison for branch in alternatives for comparison in branch]
    if fired is not None and len(comparisons) > 1:
        for branch in alternatives:
            starts = [_true_since(comparison, lines, fired) for comparison in branch]
            times = [start for start in starts if start is not None]
            if times and len(times) == len(branch):
                return branch[times.index(max(times))]
    return comparisons[0] if comparisons else None


def _true_since(
    comparison: Comparison, lines: Callable[[str], Sequence[Line]], fired: float
) -> float | None:
    """Return since when the comparison was true as the alert fired; None if unknown."""
    threshold = _constant(comparison.right)
    if threshold is None:
        return None
    is_true = OPERATORS[comparison.operator]
    starts = []
    for line in lines(comparison.left):
        before = [point for point in line.points if point[0] <= fired]
        true_points = list(takewhile(lambda point: is_true(point[1], threshold), reversed(before)))
        starts += [at for at, _ in true_points[-1:]]
    return max(starts, default=None)


def _constant(side: str) -> float | None:
    try:
        return float(side)
    except ValueError:
        return None


def _most_variable(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines with the largest range of values, which the fault's is, in their order."""

    def value_range(line: Line) -> float:
        values = [value for _, value in line.points if math.isfinite(value)]
        return max(values) - min(values) if values else -1.0

    finite = (line for line in lines if value_range(line) >= 0)
    selected = sorted(finite, key=value_range)[-MAX_LINES:]
    return [line for line in lines if line in selected]
