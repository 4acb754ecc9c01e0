"""The planner: it decides about an alert. Pure: the same input gives the same decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .guards import (
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
from .policy import HealingRule, Limits
from .snapshot import ActionKind, AlertTarget, StackSnapshot

# The codes of decisions that no guard makes: the action starts, the policy has `none`, the budget
# is exhausted, the control API does not answer. Every other code is the name of its guard.
APPROVED, MANUAL = "approved", "manual"
BUDGET_EXHAUSTED, CONTROL_API_UNAVAILABLE = "budget_exhausted", "control_api_unavailable"


@dataclass(frozen=True)
class Decision:
    """An action with its target and reason, or the reason for no action.

    `target` is the instance of a restart, and the service of a change of scale.
    """

    action: ActionKind | Literal["none"]
    target: str
    code: str
    reason: str


Guard = Callable[[HealingRule, AlertTarget, StackSnapshot, Limits], str]

COMMON_GUARDS: tuple[Guard, ...] = (excluded, unconfirmed, paused, circuit_open)
ACTION_GUARDS: dict[ActionKind, tuple[Guard, ...]] = {
    "restart": (no_target, already_healthy, last_ready_replica, in_progress, cooldown),
    "scale_out": (not_scalable, in_progress, max_replicas, scale_out_stabilization),
    "scale_in": (not_scalable, in_progress, min_replicas, scale_in_stabilization),
}
CODES = (
    *(APPROVED, MANUAL, BUDGET_EXHAUSTED, CONTROL_API_UNAVAILABLE),
    *sorted({g.__name__ for guards in (COMMON_GUARDS, *ACTION_GUARDS.values()) for g in guards}),
)


def decide(
    rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, limits: Limits
) -> Decision:
    """Return the rule's action if every guard allows it, else no action and the reason."""
    if rule.action == "none":
        return Decision("none", "", MANUAL, rule.reason)
    name = target.instance if rule.action == "restart" else target.service
    for guard in (*COMMON_GUARDS, *ACTION_GUARDS[rule.action]):
        if reason := guard(rule, target, snapshot, limits):
            return Decision("none", name, guard.__name__, reason)
    if rule.action != "scale_in" and budget_exhausted(snapshot, limits):
        minutes = limits.window / 60
        reason = (
            f"the budget of {limits.budget} actions within {minutes:g} min is exhausted:"
            " find the cause, then resume the responder"
        )
        return Decision("none", name, BUDGET_EXHAUSTED, reason)
    return Decision(rule.action, name, APPROVED, rule.reason)


def budget_exhausted(snapshot: StackSnapshot, limits: Limits) -> bool:
    """Tell whether the budget allows no further action."""
    return budget_remaining(snapshot, limits) <= 0


def budget_remaining(snapshot: StackSnapshot, limits: Limits) -> int:
    """Return how many actions the budget allows; a scale-in costs nothing."""
    since = max(snapshot.now - limits.window, snapshot.budget_reset_at)
    counted = [action for action in snapshot.recent_actions if action.kind != "scale_in"]
    return limits.budget - sum(action.started_at > since for action in counted)


def priority(target: AlertTarget, snapshot: StackSnapshot) -> tuple[int, float, str]:
    """Return the sort key of an alert: the lowest is decided first.

    Instances that are down come first, then those that are not ready, then the ready ones. So the
    last ready instance is never restarted while another one can be brought back.
    """
    instance = snapshot.instance(target.instance)
    order = {"down": 0, "unready": 1}
    state = order.get(instance.state if instance else "", 2)
    return state, target.firing_since, target.instance
