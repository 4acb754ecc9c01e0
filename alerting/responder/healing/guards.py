"""The guards: each returns the reason to skip an action, empty if it allows the action.

The name of a guard is the code of the decisions that it causes.
"""

from __future__ import annotations

from collections.abc import Iterator

from .policy import HealingRule, Limits
from .snapshot import Action, AlertTarget, StackSnapshot


def excluded(
    _rule: HealingRule, target: AlertTarget, _snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip a target that the policy, a silence or an operator excludes."""
    return target.exclusion


def unconfirmed(
    rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, limits: Limits
) -> str:
    """Skip an alert that may be over, or that has not fired for `min_firing` yet."""
    if not target.confirmed and snapshot.now - target.last_notified > limits.staleness:
        return "Alertmanager does not answer, and the last notification is too old"
    remaining = target.firing_since + rule.min_firing - snapshot.now
    return f"it has to fire for {rule.min_firing:g} s first" if remaining > 0 else ""


def paused(
    _rule: HealingRule, _target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip everything while an operator has paused the responder."""
    return "the responder is paused" if snapshot.paused else ""


def circuit_open(
    _rule: HealingRule, _target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip everything while the circuit is open: until `/resume`, or until the window is over."""
    if snapshot.circuit_open is None:
        return ""
    return "the budget is exhausted and the circuit is open"


def no_target(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip an instance that does not exist, is in standby or has no heal label."""
    if not target.instance:
        return "the alert names no instance"
    instance = snapshot.instance(target.instance)
    if instance is None:
        return f"no instance named {target.instance}"
    if instance.service != target.service:  # actions are counted by the service of the alert
        return f"{instance.name} belongs to {instance.service}, not to {target.service or 'none'}"
    if not instance.healing_enabled:
        return f"{instance.name} does not carry the heal label"
    return f"{instance.name} is in standby" if instance.state == "standby" else ""


def already_healthy(
    rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip an instance that is ready, unless the rule has `even_if_ready`."""
    instance = snapshot.instance(target.instance)
    ready = instance is not None and instance.state == "ready"
    return f"{target.instance} is ready" if ready and not rule.even_if_ready else ""


def last_ready_replica(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip the last ready instance of a service while another one is not ready.

    The only instance of a service is restarted: there is no other one to wait for.
    """
    instance = snapshot.instance(target.instance)
    if instance is None or instance.state != "ready":
        return ""
    others = [
        other
        for other in snapshot.instances_of(instance.service)
        if other != instance and other.state != "standby"
    ]
    if not others or any(other.state == "ready" for other in others):
        return ""
    return f"{instance.name} is the last ready instance of {instance.service}"


def in_progress(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip a service with a running action: one action at a time."""
    for action in _actions_of(target.service, snapshot):
        if action.finished_at is None:
            return f"{action.kind} of {action.target} is in progress"
    return ""


def cooldown(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, limits: Limits
) -> str:
    """Skip an instance that was restarted a short time ago; the cooldown grows."""
    restarts = [
        action
        for action in _actions_of(target.service, snapshot)
        if action.kind == "restart"
        and action.target == target.instance
        and action.started_at > snapshot.now - limits.window
    ]
    if not restarts:
        return ""
    remaining = restarts[-1].started_at + limits.cooldown_after(len(restarts)) - snapshot.now
    if remaining <= 0:
        return ""
    return f"{target.instance} was restarted: the next restart is in {remaining:.0f} s"


def scale_out_stabilization(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, limits: Limits
) -> str:
    """Skip a scale-out until the last change of scale has had its effect."""
    return _stabilizing(target, snapshot, limits.scale_out_stabilization)


def scale_in_stabilization(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, limits: Limits
) -> str:
    """Skip a scale-in until the last change of scale has had its effect."""
    return _stabilizing(target, snapshot, limits.scale_in_stabilization)


def _stabilizing(target: AlertTarget, snapshot: StackSnapshot, seconds: float) -> str:
    changes = [a for a in _actions_of(target.service, snapshot) if a.kind != "restart"]
    remaining = changes[-1].started_at + seconds - snapshot.now if changes else 0.0
    if remaining <= 0:
        return ""
    return f"{target.service} was scaled: the next change is in {remaining:.0f} s"


def max_replicas(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip a service that already has its maximum number of instances."""
    service = snapshot.services[target.service]
    at_maximum = service.scale >= service.max_replicas
    return f"{target.service} has its maximum of {service.max_replicas}" if at_maximum else ""


def min_replicas(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip a service that already has its minimum number of instances."""
    service = snapshot.services[target.service]
    at_minimum = service.scale <= service.min_replicas
    return f"{target.service} has its minimum of {service.min_replicas}" if at_minimum else ""


def not_scalable(
    _rule: HealingRule, target: AlertTarget, snapshot: StackSnapshot, _limits: Limits
) -> str:
    """Skip a service that does not exist or has no heal label."""
    service = snapshot.services.get(target.service)
    if service is None:
        if not target.service:
            return "the alert names no service"
        return f"no service named {target.service}"
    return "" if service.healing_enabled else f"{target.service} does not carry the heal label"


def _actions_of(service: str, snapshot: StackSnapshot) -> Iterator[Action]:
    return (action for action in snapshot.recent_actions if action.service == service)
