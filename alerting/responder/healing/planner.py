"""Plan what to do about each alert. Pure: the same snapshot gives the same plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..clients import AlertmanagerAlert
from .policy import HealingRule, Limits, Policy
from .snapshot import StackSnapshot
from .store import Action, ActiveAlert, Decision

APPROVED, BUDGET_EXHAUSTED = "approved", "budget_exhausted"
# The codes of decisions, with their meanings for the reference.
CODES = {
    APPROVED: "Act: nothing is against it.",
    "manual": "Skip every alert that the policy leaves to people.",
    "control_api_unavailable": (
        "Skip everything while the control API does not answer, so that the state of the instances"
        " is unknown."
    ),
    "excluded": "Skip a target that the policy, a silence or an operator excludes.",
    "unconfirmed": (
        "Skip an alert that may be over, that neither Prometheus nor Loki has as firing, or that"
        " has not fired for `min_firing` yet."
    ),
    "paused": "Skip everything while an operator has paused the responder.",
    "circuit_open": (
        "Skip a service while its circuit is open: until an operator closes it, or until the window"
        " is over."
    ),
    "in_progress": "Skip a service with a running action: one action at a time.",
    BUDGET_EXHAUSTED: (
        "Skip a restart or a scale-out once the service has exhausted its budget of actions; its"
        " circuit opens."
    ),
    "no_target": "Skip the restart of an instance that does not exist, is in standby or has no"
    " heal label.",
    "already_healthy": "Skip the restart of a ready instance, unless the rule has `even_if_ready`.",
    "last_ready_replica": (
        "Skip the restart of the last ready instance of a service while another one is not ready."
    ),
    "cooldown": (
        "Skip the restart of an instance that was restarted a short time ago; the cooldown grows."
    ),
    "not_scalable": "Skip scaling a service that does not exist or has no heal label.",
    "max_replicas": "Skip a scale-out of a service that has its maximum number of instances.",
    "scale_out_stabilization": "Skip a scale-out until the last change of scale has its effect.",
    "min_replicas": "Skip a scale-in of a service that has its minimum number of instances.",
    "scale_in_stabilization": "Skip a scale-in until the last change of scale has its effect.",
}
# The change of scale of each action: one instance at a time, so that each shows its effect.
SCALE_STEPS = {"scale_out": 1, "scale_in": -1}
# The states of the control API in which an instance is down.
DOWN = ("stopped", "failed")

# The guards that prevent an action: each yields its code and reason, and the first one counts.
Guards = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Plan:
    """What `executor.Executor` is to do.

    `decisions` are in the order in which they are carried out. `resumed` and `cancelled` are
    interrupted actions: of alerts that still fire, and the others. `closed_circuits` has the
    seconds that each circuit was open that closes now, by service. `expected` is the snapshot that
    follows.
    """

    decisions: Sequence[Decision]
    expected: StackSnapshot
    resumed: Sequence[Action] = ()
    cancelled: Sequence[Action] = ()
    closed_circuits: Mapping[str, float] = field(default_factory=dict)


def plan(snapshot: StackSnapshot, policy: Policy, *, dry_run: bool = False) -> Plan:
    """Return a decision for each alert that fires, and what to do with interrupted actions."""
    now, opened = snapshot.now, snapshot.open_circuits
    closed = {name: now - at for name, at in opened.items() if now - at >= policy.limits.window}
    snapshot = replace(
        snapshot,
        open_circuits={name: at for name, at in opened.items() if name not in closed},
        budget_reset_at={**snapshot.budget_reset_at, **dict.fromkeys(closed, now)},
    )
    firing = {alert.fingerprint for alert in snapshot.alerts}
    resumed = [
        action
        for action in snapshot.interrupted
        if action.fingerprint in firing and action.state == "running"
    ]
    cancelled = [action for action in snapshot.interrupted if action not in resumed]
    recent = [
        replace(action, finished_at=now) if action in cancelled else action
        for action in snapshot.recent_actions
    ]
    initial = snapshot = replace(snapshot, recent_actions=recent)
    decisions: list[Decision] = []
    for alert in sorted(snapshot.alerts, key=lambda alert: priority(alert, initial)):
        decision = decide(alert, snapshot, policy)
        decisions.append(decision)
        if decision.action != "none":
            finished_at = now if dry_run else None
            action = Action(decision.action, alert.service, decision.target, now, finished_at)
            expected = [*snapshot.recent_actions, action]
            snapshot = replace(snapshot, recent_actions=expected)
        elif decision.code == BUDGET_EXHAUSTED:
            circuits = {**snapshot.open_circuits, alert.service: now}
            snapshot = replace(snapshot, open_circuits=circuits)
    return Plan(decisions, snapshot, resumed, cancelled, closed)


def decide(alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy) -> Decision:
    """Return the action of the alert's rule if nothing is against it, else the reason for none."""
    rule = policy.rule_for(alert.alert, alert.labels)
    if rule.action == "none":
        return Decision(alert, "none", "", "manual", rule.reason)
    if snapshot.state_error:
        return Decision(alert, "none", "", "control_api_unavailable", snapshot.state_error)
    target = alert.instance if rule.action == "restart" else alert.service
    for code, reason in _guards(rule, alert, snapshot, policy):
        return Decision(alert, "none", target, code, reason)
    instances = None
    if step := SCALE_STEPS.get(rule.action):
        instances = snapshot.services[target].scale + step
    return Decision(alert, rule.action, target, APPROVED, rule.reason, instances, rule.grace_period)


def _guards(
    rule: HealingRule, alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy
) -> Guards:
    limits = policy.limits
    if alert.silenced:
        yield "excluded", "the alert is silenced"
    if alert.taken_over:
        yield "excluded", "an operator cancelled its action"
    if reason := policy.exclusion_reason(alert.labels):
        yield "excluded", reason
    if not alert.confirmed and snapshot.now - alert.last_notified > limits.staleness:
        yield "unconfirmed", "Alertmanager does not answer, and the last notification is too old"
    if not alert.holds:
        yield "unconfirmed", "neither Prometheus nor Loki has it as firing"
    if alert.firing_since + rule.min_firing > snapshot.now:
        yield "unconfirmed", f"it has to fire for {rule.min_firing:g} s first"
    if snapshot.paused:
        yield "paused", "the responder is paused"
    if alert.service in snapshot.open_circuits:
        yield "circuit_open", f"{alert.service} has exhausted its budget and its circuit is open"
    guards = _restart_guards if rule.action == "restart" else _scaling_guards
    actions = [action for action in snapshot.recent_actions if action.service == alert.service]
    yield from guards(rule, alert, actions, snapshot, limits)
    if rule.action != "scale_in" and budget_remaining(alert.service, snapshot, limits) <= 0:
        yield (
            BUDGET_EXHAUSTED,
            f"{alert.service} has exhausted its budget of {limits.budget} actions within"
            f" {limits.window / 60:g} min: find the cause, then close its circuit",
        )


def _restart_guards(
    rule: HealingRule,
    alert: ActiveAlert,
    actions: Sequence[Action],
    snapshot: StackSnapshot,
    limits: Limits,
) -> Guards:
    name, instance = alert.instance, snapshot.instance(alert.instance)
    if instance is None:
        yield "no_target", f"no instance named {name}" if name else "the alert names no instance"
        return
    if instance.service != alert.service:  # actions are counted by the service of the alert
        owner = alert.service or "none"
        yield "no_target", f"{name} belongs to {instance.service}, not to {owner}"
    if not instance.healing_enabled:
        yield "no_target", f"{name} does not carry the heal label"
    if instance.state == "standby":
        yield "no_target", f"{name} is in standby"
    if instance.state == "ready":
        if not rule.even_if_ready:
            yield "already_healthy", f"{name} is ready"
        others = [
            other.state
            for other in snapshot.instances
            if other.service == instance.service and other != instance and other.state != "standby"
        ]
        # The only instance of a service is restarted: there is no other one to wait for.
        if others and "ready" not in others:
            yield "last_ready_replica", f"{name} is the last ready instance of {instance.service}"
    yield from _in_progress(actions)
    since = snapshot.now - limits.window
    restarts = [
        _ended_at(action)
        for action in actions
        if action.kind == "restart" and action.target == name and action.started_at > since
    ]
    if restarts:
        backoff = limits.backoff_factor ** (len(restarts) - 1)
        cooldown = min(limits.max_cooldown, limits.cooldown * backoff)
        remaining = restarts[-1] + cooldown - snapshot.now
        if remaining > 0:
            yield "cooldown", f"{name} was restarted: the next restart is in {remaining:.0f} s"


def _scaling_guards(
    rule: HealingRule,
    alert: ActiveAlert,
    actions: Sequence[Action],
    snapshot: StackSnapshot,
    limits: Limits,
) -> Guards:
    name, service = alert.service, snapshot.services.get(alert.service)
    if service is None:
        yield "not_scalable", f"no service named {name}" if name else "the alert names no service"
        return
    if not service.healing_enabled:
        yield "not_scalable", f"{name} does not carry the heal label"
    yield from _in_progress(actions)
    stabilization = limits.scale_in_stabilization
    if rule.action == "scale_out":
        stabilization = limits.scale_out_stabilization
        if service.scale >= service.max_replicas:
            yield "max_replicas", f"{name} has its maximum of {service.max_replicas}"
    elif service.scale <= service.min_replicas:
        yield "min_replicas", f"{name} has its minimum of {service.min_replicas}"
    changes = [_ended_at(action) for action in actions if action.kind != "restart"]
    if changes and changes[-1] + stabilization > snapshot.now:
        remaining = changes[-1] + stabilization - snapshot.now
        yield (
            f"{rule.action}_stabilization",
            f"{name} was scaled: the next change is in {remaining:.0f} s",
        )


def _ended_at(action: Action) -> float:
    # An alert has time to clear only after the end: a restart that drains takes half a minute.
    return action.started_at if action.finished_at is None else action.finished_at


def _in_progress(actions: Sequence[Action]) -> Guards:
    for action in actions:
        if action.finished_at is None:
            yield "in_progress", f"{action.kind} of {action.target} is in progress"


def missed_alerts(
    alerts: Sequence[AlertmanagerAlert], firing: Sequence[ActiveAlert], now: float, limits: Limits
) -> list[AlertmanagerAlert]:
    """Return the alerts that Alertmanager has had for a while, without a notification.

    Alertmanager does not notify again, until `repeat_interval` is over, if it believes that it has
    notified: for example after a restart with an old notification log.
    """
    notified = {alert.fingerprint for alert in firing}
    return [
        alert
        for alert in alerts
        if alert.notifies_responder
        and alert.fingerprint not in notified
        and now - alert.starts_at.timestamp() >= limits.staleness
    ]


def budget_remaining(service: str, snapshot: StackSnapshot, limits: Limits) -> int:
    """Return how many actions the budget of a service allows; a scale-in costs nothing."""
    since = max(snapshot.now - limits.window, snapshot.budget_reset_at.get(service, 0.0))
    counted = [
        action
        for action in snapshot.recent_actions
        if action.service == service and action.kind != "scale_in" and action.started_at > since
    ]
    return limits.budget - len(counted)


def priority(alert: ActiveAlert, snapshot: StackSnapshot) -> tuple[int, float, str]:
    """Return the sort key of an alert: the lowest is decided first.

    Instances that are down come first, then those that are not ready, then the ready ones. So the
    last ready instance is never restarted while another one can be brought back.
    """
    instance = snapshot.instance(alert.instance)
    state = instance.state if instance else "ready"
    order = 0 if state in DOWN else 2 if state in ("ready", "standby") else 1
    return order, alert.firing_since, alert.instance
