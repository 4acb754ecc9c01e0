"""What a decision is made from: the alert, the instances as they are, and what was done before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["restart", "scale_out", "scale_in"]
KINDS: tuple[Kind, ...] = ("restart", "scale_out", "scale_in")
State = Literal["ready", "unready", "down", "standby"]


@dataclass(frozen=True)
class Instance:
    """An instance of a service; `heals` says whether its runtime has put the heal label on it."""

    name: str
    service: str
    state: State
    heals: bool


@dataclass(frozen=True)
class Service:
    """How many instances of a service serve: now, at least and at most."""

    scale: int
    min_replicas: int
    max_replicas: int
    heals: bool


@dataclass(frozen=True)
class Action:
    """Something that was done, or is being done; `started_at` in seconds since 1970.

    `finished_at` is None while it goes on. `target` is an instance, and for scaling a service.
    """

    kind: Kind
    service: str
    target: str
    started_at: float
    finished_at: float | None = None


@dataclass(frozen=True)
class World:
    """All that is known at a moment (`now`, seconds since 1970); `done` is oldest first.

    `counted_from` is since when actions count towards the budget, and `circuit_open` since when
    nothing may be done any more because it was spent; None while the circuit is closed.
    """

    now: float
    instances: Sequence[Instance]
    services: Mapping[str, Service]
    done: Sequence[Action] = ()
    paused: bool = False
    counted_from: float = 0.0
    circuit_open: float | None = None

    def of(self, service: str) -> list[Instance]:
        """Return a service's instances."""
        return [instance for instance in self.instances if instance.service == service]

    def instance(self, name: str) -> Instance | None:
        """Return an instance by its name."""
        return next((found for found in self.instances if found.name == name), None)


@dataclass(frozen=True)
class Sick:
    """What an alert says is sick: its name, the labels that say who, and since when it fires.

    `excuse` says why nobody may be touched for it, if there is a reason; `confirmed` whether
    Alertmanager says that it fires still. Moments are seconds since 1970; `heard` is when the
    last notification of it came.
    """

    alert: str
    labels: Mapping[str, str]
    since: float = 0.0
    heard: float = 0.0
    confirmed: bool = True
    excuse: str = ""

    @property
    def service(self) -> str:
        """Return the service, empty where the alert has none."""
        return self.labels.get("service", "")

    @property
    def instance(self) -> str:
        """Return the instance, empty where the alert is about all of them."""
        return self.labels.get("instance", "")
