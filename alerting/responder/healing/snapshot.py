"""The input of a decision: the alert, the instances, the services and the recent actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ActionKind = Literal["restart", "scale_out", "scale_in"]
ACTION_KINDS: tuple[ActionKind, ...] = ("restart", "scale_out", "scale_in")
InstanceState = Literal["ready", "unready", "down", "standby"]


@dataclass(frozen=True)
class Instance:
    """An instance of a service; `healing_enabled` is true if it carries the heal label."""

    name: str
    service: str
    state: InstanceState
    healing_enabled: bool


@dataclass(frozen=True)
class Service:
    """A service: its current, minimum and maximum number of instances."""

    scale: int
    min_replicas: int
    max_replicas: int
    healing_enabled: bool


@dataclass(frozen=True)
class Action:
    """A finished or running action; times are seconds since 1970.

    `finished_at` is None while the action runs. `target` is the instance of a restart, and the
    service of a change of scale.
    """

    kind: ActionKind
    service: str
    target: str
    started_at: float
    finished_at: float | None = None


@dataclass(frozen=True)
class StackSnapshot:
    """The state of the stack at `now`; times are seconds since 1970.

    `recent_actions` is sorted, oldest first. The budget counts actions since `budget_reset_at`.
    `circuit_open` is the time when the circuit opened, None while it is closed.
    """

    now: float
    instances: Sequence[Instance]
    services: Mapping[str, Service]
    recent_actions: Sequence[Action] = ()
    paused: bool = False
    budget_reset_at: float = 0.0
    circuit_open: float | None = None

    def instances_of(self, service: str) -> list[Instance]:
        """Return the instances of a service."""
        return [instance for instance in self.instances if instance.service == service]

    def instance(self, name: str) -> Instance | None:
        """Return the instance of this name, None if it does not exist."""
        return next((instance for instance in self.instances if instance.name == name), None)


@dataclass(frozen=True)
class AlertTarget:
    """A firing alert and its target, from the alert's labels; times are seconds since 1970.

    `exclusion` is the reason why the target is excluded from healing, empty if it is not.
    `confirmed` is false while Alertmanager does not answer; `last_notified` is the time of the
    last notification.
    """

    alert: str
    labels: Mapping[str, str]
    firing_since: float = 0.0
    last_notified: float = 0.0
    confirmed: bool = True
    exclusion: str = ""

    @property
    def service(self) -> str:
        """Return the service, empty if the alert has none."""
        return self.labels.get("service", "")

    @property
    def instance(self) -> str:
        """Return the instance, empty if the alert is about a whole service."""
        return self.labels.get("instance", "")
