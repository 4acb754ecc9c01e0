"""Plan what to do about each alert. Pure: the same snapshot gives the same plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..clients import AlertmanagerAlert
from ..healing_store import ActionKind, ActionRecord, ActiveAlert, RecentAction
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
from .policy import HealingRule, Limits, Policy
from .snapshot import StackSnapshot

# The codes of decisions that no guard makes: the action starts, the policy has `none`, the budget
# is exhausted, the control API does not answer. Every other code is the name of its guard.
APPROVED, MANUAL = "approved", "manual"
BUDGET_EXHAUSTED, CONTROL_API_UNAVAILABLE = "budget_exhausted", "control_api_unavailable"
# The change of scale of each action: one instance at a time, so that each shows its effect.
SCALE_STEPS = {"scale_out": 1, "scale_in": -1}

Guard = Callable[[HealingRule, ActiveAlert, StackSnapshot, Policy], str]

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


@dataclass(frozen=True)
class Action:
    """An action for an alert, and its reason.

    `target` is the instance of a restart, and the service of a change of scale; `instances` is the
    new scale, `grace_period` that of a restart.
    """

    alert: ActiveAlert
    kind: ActionKind
    target: str
    reason: str
    instances: int | None = None
    grace_period: float | None = None


@dataclass(frozen=True)
class Skip:
    """No action for an alert: the code and the reason; `target` is what was not acted on."""

    alert: ActiveAlert
    target: str
    code: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What `executor.Executor` is to do.

    `decisions` are in the order in which they are carried out. `resumed` and `cancelled` are
    interrupted actions: of alerts that still fire, and the others. `circuit_was_open` has the
    seconds that the circuit was open, if it closes now. `expected` is the snapshot that follows.
    """

    decisions: Sequence[Action | Skip]
    expected: StackSnapshot
    resumed: Sequence[ActionRecord] = ()
    cancelled: Sequence[ActionRecord] = ()
    circuit_was_open: float | None = None


def plan(snapshot: StackSnapshot, policy: Policy, *, dry_run: bool = False) -> Plan:
    """Return a decision for each alert that fires, and what to do with interrupted actions."""
    now, circuit_was_open = snapshot.now, None
    if snapshot.circuit_open is not None and now - snapshot.circuit_open >= policy.limits.window:
        circuit_was_open = now - snapshot.circuit_open
        snapshot = replace(snapshot, circuit_open=None, budget_reset_at=now)
    firing = {alert.fingerprint for alert in snapshot.alerts}
    resumed = [
        record
        for record in snapshot.interrupted
        if record.fingerprint in firing and record.state == "running"
    ]
    cancelled = [record for record in snapshot.interrupted if record not in resumed]
    ended = {record.action: replace(record.action, finished_at=now) for record in cancelled}
    recent_actions = [ended.get(action, action) for action in snapshot.recent_actions]
    snapshot = replace(snapshot, recent_actions=recent_actions)
    decisions: list[Action | Skip] = []
    initial = snapshot
    for alert in sorted(snapshot.alerts, key=lambda alert: priority(alert, initial)):
        decision = decide(alert, snapshot, policy)
        decisions.append(decision)
        snapshot = _expect(decision, snapshot, dry_run=dry_run)
    return Plan(decisions, snapshot, resumed, cancelled, circuit_was_open)


def decide(alert: ActiveAlert, snapshot: StackSnapshot, policy: Policy) -> Action | Skip:
    """Return the action of the alert's rule if every guard allows it, else the reason for none."""
    rule = policy.rule_for(alert.alert, alert.labels)
    if rule.action == "none":
        return Skip(alert, "", MANUAL, rule.reason)
    if snapshot.state_error:
        return Skip(alert, "", CONTROL_API_UNAVAILABLE, snapshot.state_error)
    target = alert.instance if rule.action == "restart" else alert.service
    for guard in (*COMMON_GUARDS, *ACTION_GUARDS[rule.action]):
        if reason := guard(rule, alert, snapshot, policy):
            return Skip(alert, target, guard.__name__, reason)
    limits = policy.limits
    if rule.action != "scale_in" and budget_remaining(snapshot, limits) <= 0:
        reason = (
            f"the budget of {limits.budget} actions within {limits.window / 60:g} min is exhausted:"
            " find the cause, then resume the responder"
        )
        return Skip(alert, target, BUDGET_EXHAUSTED, reason)
    instances = None
    if step := SCALE_STEPS.get(rule.action):
        instances = snapshot.services[target].scale + step
    return Action(alert, rule.action, target, rule.reason, instances, rule.grace_period)


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


def budget_remaining(snapshot: StackSnapshot, limits: Limits) -> int:
    """Return how many actions the budget allows; a scale-in costs nothing."""
    since = max(snapshot.now - limits.window, snapshot.budget_reset_at)
    counted = [action for action in snapshot.recent_actions if action.kind != "scale_in"]
    return limits.budget - sum(action.started_at > since for action in counted)


def priority(alert: ActiveAlert, snapshot: StackSnapshot) -> tuple[int, float, str]:
    """Return the sort key of an alert: the lowest is decided first.

    Instances that are down come first, then those that are not ready, then the ready ones. So the
    last ready instance is never restarted while another one can be brought back.
    """
    instance = snapshot.instance(alert.instance)
    order = {"down": 0, "unready": 1}
    state = order.get(instance.state if instance else "", 2)
    return state, alert.firing_since, alert.instance


def _expect(decision: Action | Skip, snapshot: StackSnapshot, *, dry_run: bool) -> StackSnapshot:
    """Return the snapshot as it is once a decision is carried out."""
    if isinstance(decision, Action):
        finished_at = snapshot.now if dry_run else None
        action = RecentAction(
            decision.kind, decision.alert.service, decision.target, snapshot.now, finished_at
        )
        return replace(snapshot, recent_actions=[*snapshot.recent_actions, action])
    if decision.code == BUDGET_EXHAUSTED:
        return replace(snapshot, circuit_open=snapshot.now)
    return snapshot
