"""The events of a drill, and positions of their labels on a chart without overlaps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..result import PHASES, DrillResult
from .formats import seconds

# The mean width of a letter divided by the font size, for common sans-serif fonts.
LETTER_WIDTH = 0.54
# The space between a line and its label, and after the label, in pixels.
SPACE = 5.0


@dataclass(frozen=True)
class Event:
    """An event, `at` seconds after the fault began."""

    kind: str
    at: float
    label: str


@dataclass(frozen=True)
class EventLabel:
    """An event at `x` pixels, with its label in a `row` counted from the top."""

    event: Event
    x: float
    row: int


def events(result: DrillResult) -> list[Event]:
    """Return the events of a drill in chronological order."""
    if result.injected is None:
        return []
    unsorted = [Event("on", 0.0, "fault on")]
    if result.removed is not None:
        off = result.removed - result.injected
        unsorted.append(Event("off", off, f"fault off {seconds(off)} s"))
    for phase in PHASES:
        took = result.times.get(phase)
        if took is None:
            continue
        if phase == "resolved":
            recovered = (result.recovered_at or result.injected) - result.injected
            unsorted.append(Event(phase, recovered + took, f"resolved +{seconds(took)} s"))
        else:
            unsorted.append(Event(phase, took, f"{phase} {seconds(took)} s"))
    return sorted(unsorted, key=lambda event: event.at)


def place_labels(
    events: Sequence[Event], x_of: Callable[[float], float], font_size: float
) -> list[EventLabel]:
    """Place each label in the highest row where it and its line cross no other label.

    A label is to the right of its line, which goes down from there through the rows below.
    """
    row_ends = [-math.inf] * len(events)
    labels = []
    for event in events:
        x = x_of(event.at)
        row = next(
            index for index in range(len(row_ends)) if all(end < x for end in row_ends[index:])
        )
        row_ends[row] = x + 2 * SPACE + len(event.label) * font_size * LETTER_WIDTH
        labels.append(EventLabel(event, x, row))
    return labels
