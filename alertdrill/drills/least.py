"""The theoretical least times of a drill."""

from __future__ import annotations

from dataclasses import dataclass

from .drill import Drill


@dataclass(frozen=True)
class Pace:
    """How fast the parts of the chain are, as they run; in seconds.

    `hold` is the rule's `for`, `evaluation` how often its group is evaluated.
    """

    speed: float
    scrape: float
    evaluation: float
    hold: float
    group_wait: float


def to_firing(drill: Drill, pace: Pace) -> float:
    """Return the seconds from the fault to the firing alert.

    One scrape to see it (none for lines of a log), what the windowed expression and the world
    take, the rule's `for`, and one evaluation.
    """
    return pace.scrape + drill.window / pace.speed + drill.world + pace.hold + pace.evaluation


def to_notification(drill: Drill, pace: Pace) -> float:
    """Return the seconds from the fault to its notification: the group wait comes on top."""
    return to_firing(drill, pace) + pace.group_wait
