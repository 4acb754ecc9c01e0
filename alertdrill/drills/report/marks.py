"""The moments of a drill, and where on a chart their labels do not get into each other's way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..outcome import PHASES, Outcome
from .formats import seconds

# The mean width of a letter over the size of the text, for common sans-serif fonts.
LETTER = 0.54
# The space between a line and its text, and after it, in pixels.
SPACE = 5.0


@dataclass(frozen=True)
class Moment:
    """Something that happened `at` so many seconds after the fault began."""

    kind: str
    at: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A moment at `x` pixels, its label in a `row`, counted from the top."""

    moment: Moment
    x: float
    row: int


def moments(outcome: Outcome) -> list[Moment]:
    """Return what happened in a drill, in the order in which it did."""
    if outcome.injected is None:
        return []
    found = [Moment("on", 0.0, "fault on")]
    if outcome.removed is not None:
        off = outcome.removed - outcome.injected
        found.append(Moment("off", off, f"fault off {seconds(off)} s"))
    for phase in PHASES:
        took = outcome.times.get(phase)
        if took is None:
            continue
        if phase == "resolved":
            over = (outcome.over or outcome.injected) - outcome.injected
            found.append(Moment(phase, over + took, f"resolved +{seconds(took)} s"))
        else:
            found.append(Moment(phase, took, f"{phase} {seconds(took)} s"))
    return sorted(found, key=lambda moment: moment.at)


def place(found: Sequence[Moment], x_of: Callable[[float], float], size: float) -> list[Mark]:
    """Give each label the highest row where neither it nor its line crosses another label.

    A label is to the right of its line, which goes down from there through the rows below.
    """
    ends = [-math.inf] * len(found)
    marks = []
    for moment in found:
        x = x_of(moment.at)
        row = next(r for r in range(len(ends)) if all(end < x for end in ends[r:]))
        ends[row] = x + 2 * SPACE + len(moment.label) * size * LETTER
        marks.append(Mark(moment, x, row))
    return marks
