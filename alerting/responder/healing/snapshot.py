"""Observe the stack: everything that a plan depends on, read at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from ..clients import AlertmanagerAlert, Instance, Service
from ..errors import ControlApiError
from ..healing_store import ActionRecord, ActiveAlert, HealingStores, RecentAction
from .policy import Policy


class StateSource(Protocol):
    """The state of the instances: see `clients.ControlApiClient`."""

    def get_state(self) -> tuple[Sequence[Instance], Mapping[str, Service]]:
        """Return every instance of every service, and the scale of each service."""
        ...


class AlertSource(Protocol):
    """The alerts that fire: see `clients.AlertmanagerClient`."""

    def firing_alerts(self) -> Mapping[str, AlertmanagerAlert] | None:
        """Return the alerts that fire by fingerprint; None if there is no answer."""
        ...


@dataclass(frozen=True)
class StackSnapshot:
    """The state of the stack at `now`; times are seconds since 1970.

    `alerts` are those that fire, and `lost` the fingerprints of those that Alertmanager no longer
    has. If an alert asks for an action, `instances` and `services` are known, or `state_error` says
    why they are not. `recent_actions` is sorted, oldest first; `interrupted` are the running ones
    that this process does not execute. The budget counts actions since `budget_reset_at`.
    `circuit_open` is the time when the circuit opened, None while it is closed.
    """

    now: float
    alerts: Sequence[ActiveAlert] = ()
    lost: Sequence[str] = ()
    instances: Sequence[Instance] = ()
    services: Mapping[str, Service] = field(default_factory=dict)
    state_error: str = ""
    recent_actions: Sequence[RecentAction] = ()
    interrupted: Sequence[ActionRecord] = ()
    paused: bool = False
    budget_reset_at: float = 0.0
    circuit_open: float | None = None

    def instances_of(self, service: str) -> list[Instance]:
        """Return the instances of a service."""
        return [instance for instance in self.instances if instance.service == service]

    def instance(self, name: str) -> Instance | None:
        """Return the instance of this name, None if it does not exist."""
        return next((instance for instance in self.instances if instance.name == name), None)


def observe(  # noqa: PLR0913 - what there is to read, by name
    now: datetime,
    policy: Policy,
    stores: HealingStores,
    *,
    state_source: StateSource,
    alert_source: AlertSource,
    executing: Set[int],
) -> StackSnapshot:
    """Return the state of the stack; raise `DatabaseError` if the database fails.

    `executing` are the ids of the actions that this process executed before the call. The other
    programs are asked first, which takes seconds: the flags of an operator are as new as can be.
    """
    firing, state_error = stores.alerts.firing(), ""
    lost: Sequence[str] = ()
    instances: Sequence[Instance] = ()
    services: Mapping[str, Service] = {}
    if _needs_action(firing, policy):
        firing, lost = _confirm(firing, alert_source.firing_alerts())
    if _needs_action(firing, policy):
        try:
            instances, services = state_source.get_state()
        except ControlApiError as error:
            state_error = f"the state of the instances is unknown: {error}"
    seconds = now.timestamp()
    recent = stores.actions.started_since(seconds - policy.limits.window)
    running = [record for record in stores.actions.running() if record.id not in executing]
    flags = stores.flags.all()
    return StackSnapshot(
        now=seconds,
        alerts=firing,
        lost=lost,
        instances=instances,
        services=services,
        state_error=state_error,
        recent_actions=recent,
        interrupted=running,
        paused="paused" in flags,
        budget_reset_at=flags.get("budget_reset", 0.0),
        circuit_open=flags.get("circuit_open"),
    )


def _needs_action(alerts: Sequence[ActiveAlert], policy: Policy) -> bool:
    return any(policy.rule_for(alert.alert, alert.labels).action != "none" for alert in alerts)


def _confirm(
    firing: Sequence[ActiveAlert], current: Mapping[str, AlertmanagerAlert] | None
) -> tuple[list[ActiveAlert], list[str]]:
    """Return the alerts that Alertmanager still has, and the fingerprints of the others."""
    if current is None:
        return [replace(alert, confirmed=False) for alert in firing], []
    confirmed = [
        replace(alert, silenced=current[alert.fingerprint].silenced)
        for alert in firing
        if alert.fingerprint in current
    ]
    return confirmed, [alert.fingerprint for alert in firing if alert.fingerprint not in current]
