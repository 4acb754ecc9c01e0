"""The theoretical minimum times of a drill's phases."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Drill


@dataclass(frozen=True)
class PipelineTiming:
    """The intervals of the alert pipeline at the stack's speed, in seconds.

    `hold` is the rule's `for`, `evaluation` the interval of its group.
    """

    speed: float
    scrape: float
    evaluation: float
    hold: float
    group_wait: float


def to_firing(drill: Drill, timing: PipelineTiming) -> float:
    """Return the minimum seconds from the fault to the firing alert.

    The sum of one scrape (none for log lines), the drill's window and fixed delay, the rule's
    `for`, and one evaluation.
    """
    visible = timing.scrape + drill.window / timing.speed + drill.fixed_delay
    return visible + timing.hold + timing.evaluation


def to_notification(drill: Drill, timing: PipelineTiming) -> float:
    """Return the minimum seconds from the fault to the notification, with the group wait."""
    return to_firing(drill, timing) + timing.group_wait
