"""Decide what is done about an alert. Pure: the same world has the same decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .limits import Limits
from .objections import (
    already_healthy,
    circuit_open,
    cooldown,
    excluded,
    in_progress,
    last_ready_replica,
    max_replicas,
    min_replicas,
    no_target,
    not_scalable,
    paused,
    scale_in_stabilization,
    scale_out_stabilization,
    unconfirmed,
)
from .wish import Wish
from .world import Kind, Sick, World

# What a decision is called in metrics and in the journal: it is acted on, the policy leaves it to
# a human, or what speaks against it. Each of OBJECTIONS has the name of its check.
APPROVED, MANUAL, BUDGET_EXHAUSTED, CONTROL_API_UNAVAILABLE = (
    "approved",
    "manual",
    "budget_exhausted",
    "control_api_unavailable",
)


@dataclass(frozen=True)
class Decision:
    """What is done, on whom, and the reason; also the reason to do nothing.

    `code` names the reason in one word; a `target` is an instance, and for scaling a service.
    """

    action: Kind | Literal["none"]
    target: str
    code: str
    reason: str


Objection = Callable[[Wish, Sick, World, Limits], str]

ALWAYS: tuple[Objection, ...] = (excluded, unconfirmed, paused, circuit_open)
OBJECTIONS: dict[Kind, tuple[Objection, ...]] = {
    "restart": (no_target, already_healthy, last_ready_replica, in_progress, cooldown),
    "scale_out": (not_scalable, in_progress, max_replicas, scale_out_stabilization),
    "scale_in": (not_scalable, in_progress, min_replicas, scale_in_stabilization),
}
CODES = (
    *(APPROVED, MANUAL, BUDGET_EXHAUSTED, CONTROL_API_UNAVAILABLE),
    *sorted({check.__name__ for checks in (ALWAYS, *OBJECTIONS.values()) for check in checks}),
)


def decide(wish: Wish, sick: Sick, world: World, limits: Limits) -> Decision:
    """Return the wish where nothing speaks against it, and else nothing, with the reason."""
    if wish.action == "none":
        return Decision("none", "", MANUAL, wish.reason)
    target = sick.instance if wish.action == "restart" else sick.service
    for objection in (*ALWAYS, *OBJECTIONS[wish.action]):
        if said := objection(wish, sick, world, limits):
            return Decision("none", target, objection.__name__, said)
    if wish.action != "scale_in" and spent(world, limits):
        said = (
            f"{limits.budget} actions within {limits.window / 60:g} min are as many as may be:"
            " a human has to look"
        )
        return Decision("none", target, BUDGET_EXHAUSTED, said)
    return Decision(wish.action, target, APPROVED, wish.reason)


def spent(world: World, limits: Limits) -> bool:
    """Tell whether as much was done within the window as may be."""
    return left(world, limits) <= 0


def left(world: World, limits: Limits) -> int:
    """Return how many actions the budget still has; giving back what was started costs none."""
    since = max(world.now - limits.window, world.counted_from)
    counted = [action for action in world.done if action.kind != "scale_in"]
    return limits.budget - sum(action.started_at > since for action in counted)


def rank(sick: Sick, world: World) -> tuple[int, float, str]:
    """Return what orders alerts by whose is decided first: the lower.

    Who is down comes before who does not serve, and both before who still does, so that the last
    ready instance is never taken while another one could be brought back.
    """
    instance = world.instance(sick.instance)
    order = {"down": 0, "unready": 1}
    return order.get(instance.state if instance else "", 2), sick.since, sick.instance
