"""The lines of a chart as SVG paths without superfluous points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

Point = tuple[float, float]
# A horizontal line needs no point that is off by less than this, in pixels.
TOLERANCE = 0.3
# Prometheus omits missing samples. A distance of more than this many steps is a gap in the line.
GAP_STEPS = 2.5


def split_at_gaps(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the segments between gaps; a value that is not finite is a gap too."""
    finite = [(at, value) for at, value in points if math.isfinite(value)]
    steps = [after[0] - before[0] for before, after in pairwise(finite)]
    max_step = GAP_STEPS * median(steps) if steps else 0.0
    segment: list[Point] = finite[:1]
    for step, point in zip(steps, finite[1:], strict=True):
        if step > max_step:
            yield segment
            segment = []
        segment.append(point)
    if segment:
        yield segment


def path(segments: Sequence[Sequence[Point]]) -> str:
    """Return the `d` attribute of a path through the segments, in pixels."""
    return " ".join(f"M{'L'.join(map(_coordinates, _simplify(segment)))}" for segment in segments)


def _coordinates(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _simplify(points: Sequence[Point]) -> list[Point]:
    """Drop the middle points of horizontal lines. A single point becomes a dot with round ends."""
    if len(points) == 1:
        return [points[0], points[0]]
    kept = [points[0]]
    for here, after in pairwise(points[1:]):
        if max(abs(here[1] - kept[-1][1]), abs(after[1] - kept[-1][1])) > TOLERANCE:
            kept.append(here)
    return [*kept, points[-1]]
