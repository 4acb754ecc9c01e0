"""Observe the stack: everything that a plan depends on, read at one time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..clients import AlertmanagerClient, ControlApiClient, Instance, RuleEvaluators, Service
from ..errors import ControlApiError
from .policy import Policy
from .store import Action, ActiveAlert, HealingStore


@dataclass(frozen=True)
class StackSnapshot:
    """The state of the stack at `now`; times are seconds since 1970.

    `alerts` are those that fire, and `lost` the fingerprints of those that Alertmanager no longer
    has. If an alert asks for an action, `instances` and `services` are known, or `state_error` says
    why they are not. `recent_actions` is sorted, oldest first; `interrupted` are the running ones
    that this process does not execute. By service: its budget counts actions since
    `budget_reset_at`, and `open_circuits` has the time when its circuit opened.
    """

    now: float
    alerts: Sequence[ActiveAlert] = ()
    lost: Sequence[str] = ()
    instances: Sequence[Instance] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    state_error: str = ""
    recent_actions: Sequence[Action] = ()
    interrupted: Sequence[Action] = ()
    paused: bool = False
    budget_reset_at: Mapping[str, float] = field(default_factory=dict)
    open_circuits: Mapping[str, float] = field(default_factory=dict)

    def instance(self, name: str) -> Instance | None:
        """Return the instance of this name, None if it does not exist."""
        return next((instance for instance in self.instances if instance.name == name), None)


def observe(  # noqa: PLR0913 - what there is to read, by name
    now: datetime,
    policy: Policy,
    store: HealingStore,
    *,
    control_api: ControlApiClient,
    alertmanager: AlertmanagerClient,
    evaluators: RuleEvaluators,
    executing: Collection[int],
) -> StackSnapshot:
    """Return the state of the stack; raise `DatabaseError` if the database fails.

    `executing` are the ids of the actions that this process executed before the call. The other
    programs are asked first, which takes seconds: the flags of an operator are as new as can be.
    """

    def needs_action() -> bool:
        rules = (policy.rule_for(alert.alert, alert.labels) for alert in snapshot.alerts)
        return any(rule.action != "none" for rule in rules)

    snapshot = StackSnapshot(now.timestamp(), store.firing())
    if needs_action():
        current, alerts = alertmanager.firing_alerts(), snapshot.alerts
        if current is None:
            alerts = [replace(alert, confirmed=False) for alert in alerts]
            snapshot = replace(snapshot, alerts=alerts)
        else:
            current_alerts = [alert for alert in alerts if alert.fingerprint in current]
            snapshot = replace(
                snapshot,
                alerts=[
                    replace(a, silenced=current[a.fingerprint].silenced) for a in current_alerts
                ],
                lost=[a.fingerprint for a in alerts if a.fingerprint not in current],
            )
    if needs_action():
        # Alertmanager accepts alerts from every client that reaches it.
        confirmed = _confirm(snapshot.alerts, evaluators.firing_alerts())
        snapshot = replace(snapshot, alerts=confirmed)
        try:
            state = control_api.get_state()
            snapshot = replace(snapshot, instances=state.instances, services=state.services)
        except ControlApiError as error:
            message = f"the state of the instances is unknown: {error}"
            snapshot = replace(snapshot, state_error=message)
    recent = store.recent_actions(snapshot.now - policy.limits.window)
    flags = store.flags()
    return replace(
        snapshot,
        recent_actions=recent,
        interrupted=[a for a in recent if a.finished_at is None and a.id not in executing],
        paused=bool(flags["paused"]),
        budget_reset_at=flags["budget_reset"],
        open_circuits=flags["circuit_open"],
    )


def _confirm(
    alerts: Sequence[ActiveAlert], firing: Sequence[Mapping[str, str]]
) -> Sequence[ActiveAlert]:
    """Return the alerts with `holds`. They may have external labels besides the rule's."""
    by_instance: dict[tuple[str | None, ...], list[Mapping[str, str]]] = {}
    for labels in firing:
        by_instance.setdefault(_key(labels), []).append(labels)
    return [
        replace(
            alert,
            holds=any(
                labels.items() <= alert.labels.items()
                for labels in by_instance.get(_key(alert.labels), ())
            ),
        )
        for alert in alerts
    ]


def _key(labels: Mapping[str, str]) -> tuple[str | None, ...]:
    return labels.get("alertname"), labels.get("instance")
