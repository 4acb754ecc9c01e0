"""Lines of a chart as SVG paths with no point too many."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

Point = tuple[float, float]
# A level line needs no point where it moves by no more than this, in pixels.
UNSEEN = 0.3
# Prometheus leaves out what is not there. Longer than this many steps is a gap in the line.
GAP = 2.5


def pieces(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the stretches without a gap; what is not a finite number is a gap."""
    known = [(at, value) for at, value in points if math.isfinite(value)]
    steps = [after[0] - before[0] for before, after in pairwise(known)]
    longest = GAP * median(steps) if steps else 0.0
    piece: list[Point] = known[:1]
    for length, point in zip(steps, known[1:], strict=True):
        if length > longest:
            yield piece
            piece = []
        piece.append(point)
    if piece:
        yield piece


def path(stretches: Sequence[Sequence[Point]]) -> str:
    """Return the `d` of a path through the stretches, in pixels."""
    return " ".join(f"M{'L'.join(_pair(point) for point in _seen(each))}" for each in stretches)


def _pair(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _seen(points: Sequence[Point]) -> list[Point]:
    """Leave out the middle of level lines. A single point becomes a dot, by its round ends."""
    if len(points) == 1:
        return [points[0], points[0]]
    kept = [points[0]]
    for here, after in pairwise(points[1:]):
        if max(abs(here[1] - kept[-1][1]), abs(after[1] - kept[-1][1])) > UNSEEN:
            kept.append(here)
    return [*kept, points[-1]]
