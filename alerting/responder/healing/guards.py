"""The guards: each returns the reason to skip an action, empty if it allows the action.

The name of a guard is the code of the decisions that it causes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..healing_store import ActiveAlert, RecentAction
from .policy import HealingRule, Policy
from .snapshot import StackSnapshot


def excluded(
    _rule: HealingRule, alert: ActiveAlert, _snapshot: StackSnapshot, policy: Policy
) -> str:
    """Skip a target that the policy, a silence or an operator excludes."""
    if alert.silenced:
        return "the alert is silenced"
    if alert.taken_over:
        return "an operator cancelled its action"
    return policy.exclusion_reason(alert.labels)


def unconfirmed(
    rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy
) -> str:
    """Skip an alert that may be over, or that has not fired for `min_firing` yet."""
    if not alert.confirmed and snapshot.now - alert.last_notified > policy.limits.staleness:
        return "Alertmanager does not answer, and the last notification is too old"
    remaining = alert.firing_since + rule.min_firing - snapshot.now
    return f"it has to fire for {rule.min_firing:g} s first" if remaining > 0 else ""


def paused(
    _rule: HealingRule, _alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip everything while an operator has paused the responder."""
    return "the responder is paused" if snapshot.paused else ""


def circuit_open(
    _rule: HealingRule, _alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip everything while the circuit is open: until `/resume`, or until the window is over."""
    if snapshot.circuit_open is None:
        return ""
    return "the budget is exhausted and the circuit is open"


def no_target(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip an instance that does not exist, is in standby or has no heal label."""
    if not alert.instance:
        return "the alert names no instance"
    instance = snapshot.instance(alert.instance)
    if instance is None:
        return f"no instance named {alert.instance}"
    if instance.service != alert.service:  # actions are counted by the service of the alert
        return f"{instance.name} belongs to {instance.service}, not to {alert.service or 'none'}"
    if not instance.healing_enabled:
        return f"{instance.name} does not carry the heal label"
    return f"{instance.name} is in standby" if instance.state == "standby" else ""


def already_healthy(
    rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip an instance that is ready, unless the rule has `even_if_ready`."""
    instance = snapshot.instance(alert.instance)
    ready = instance is not None and instance.state == "ready"
    return f"{alert.instance} is ready" if ready and not rule.even_if_ready else ""


def last_ready_replica(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip the last ready instance of a service while another one is not ready.

    The only instance of a service is restarted: there is no other one to wait for.
    """
    instance = snapshot.instance(alert.instance)
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
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip a service with a running action: one action at a time."""
    for action in _actions_of(alert.service, snapshot):
        if action.finished_at is None:
            return f"{action.kind} of {action.target} is in progress"
    return ""


def cooldown(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy
) -> str:
    """Skip an instance that was restarted a short time ago; the cooldown grows."""
    restarts = [
        action
        for action in _actions_of(alert.service, snapshot)
        if action.kind == "restart"
        and action.target == alert.instance
        and action.started_at > snapshot.now - policy.limits.window
    ]
    if not restarts:
        return ""
    remaining = restarts[-1].started_at + policy.limits.cooldown_after(len(restarts)) - snapshot.now
    if remaining <= 0:
        return ""
    return f"{alert.instance} was restarted: the next restart is in {remaining:.0f} s"


def scale_out_stabilization(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy
) -> str:
    """Skip a scale-out until the last change of scale has had its effect."""
    return _stabilizing(alert, snapshot, policy.limits.scale_out_stabilization)


def scale_in_stabilization(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy
) -> str:
    """Skip a scale-in until the last change of scale has had its effect."""
    return _stabilizing(alert, snapshot, policy.limits.scale_in_stabilization)


def _stabilizing(alert: ActiveAlert, snapshot: StackSnapshot, seconds: float) -> str:
    changes = [a for a in _actions_of(alert.service, snapshot) if a.kind != "restart"]
    remaining = changes[-1].started_at + seconds - snapshot.now if changes else 0.0
    if remaining <= 0:
        return ""
    return f"{alert.service} was scaled: the next change is in {remaining:.0f} s"


def max_replicas(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip a service that already has its maximum number of instances."""
    service = snapshot.services[alert.service]
    at_maximum = service.scale >= service.max_replicas
    return f"{alert.service} has its maximum of {service.max_replicas}" if at_maximum else ""


def min_replicas(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip a service that already has its minimum number of instances."""
    service = snapshot.services[alert.service]
    at_minimum = service.scale <= service.min_replicas
    return f"{alert.service} has its minimum of {service.min_replicas}" if at_minimum else ""


def not_scalable(
    _rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, _policy: Policy
) -> str:
    """Skip a service that does not exist or has no heal label."""
    service = snapshot.services.get(alert.service)
    if service is None:
        if not alert.service:
            return "the alert names no service"
        return f"no service named {alert.service}"
    return "" if service.healing_enabled else f"{alert.service} does not carry the heal label"


def _actions_of(service: str, snapshot: StackSnapshot) -> Iterator[RecentAction]:
    return (action for action in snapshot.recent_actions if action.service == service)
