"""The slots of a service are its instances: whatever task is in one, `web-2` stays `web-2`. Pure.

A slot that is wanted and has no task, or none that goes on, is an instance too, which does not
serve: so there are as many as the service has replicas, and a lost one is not forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

from ..base import Instance, State
from .tasks import Container, Service, Task


@dataclass(frozen=True)
class Slot:
    """A slot, the task in it, if any, and the container of that, if it is within reach."""

    service: Service
    number: str
    task: Task | None
    container: Container | None
    last_task: Task | None = None

    @property
    def name(self) -> str:
        """Return its name within the stack, such as web-1."""
        return f"{self.service.name}-{self.number}"

    @property
    def state(self) -> State:
        """Return its state in every runtime's words.

        Swarm calls a task running once its health check, if it has one, has passed.
        """
        if self.task is None:
            return "failed" if self.last_task else "starting"
        if self.container and self.container.state == "paused":
            return "paused"
        if self.task.state != "running":
            return "starting"
        well = self.container is None or (
            self.container.state == "running" and not self.container.unhealthy
        )
        return "ready" if well else "unready"

    @property
    def swarm_state(self) -> str:
        """Return what Swarm says of it: the state of its task, and what is wrong."""
        errors = [one.error for one in (self.task, self.last_task) if one and one.error]
        state = (
            self.task.state
            if self.task
            else self.last_task.state
            if self.last_task
            else "no task yet"
        )
        return ": ".join([state, *errors[:1]])

    def instance(self, now: float) -> Instance:
        """Return it as an instance, as seen at a moment; it listens at its container's name."""
        runs = self.task and self.task.state == "running"
        return Instance(
            name=self.name,
            service=self.service.name,
            state=self.state,
            pid=self.task.pid if self.task else None,
            address=container_name(self.service, self.task) if self.task else "",
            uptime_seconds=round(now - self.task.state_since, 1) if self.task and runs else None,
            heals=self.service.heals,
        )


def container_name(service: Service, task: Task) -> str:
    """Return the name that Swarm gives the container of a task."""
    return f"{service.full_name}.{task.slot}.{task.id}"


def slots(
    service: Service, tasks: Sequence[Task], containers: Mapping[str, Container]
) -> Sequence[Slot]:
    """Return the slots of a service; `containers` has those of this node by the task's id."""
    own = sorted((one for one in tasks if one.service == service.id), key=_rank)
    live = {one.slot: one for one in own if one.live}
    past = {one.slot: one for one in own if not one.live}
    numbers = sorted([*live, *_missing(service, live, past)], key=_order)
    found = []
    for number in numbers:
        task = live.get(number)
        container = containers.get(task.id) if task else None
        found.append(Slot(service, number, task, container, past.get(number)))
    return found


def _rank(task: Task) -> tuple[bool, float]:
    """Order tasks so that of a slot's the one that serves comes last, then the newest."""
    return (task.live and task.state == "running", task.created_at)


def _missing(service: Service, live: Mapping[str, Task], past: Mapping[str, Task]) -> Sequence[str]:
    """Return the slots that are wanted and have no task that goes on, used ones first."""
    lack = max(0, (service.replicas or 0) - len(live))
    used = sorted((number for number in past if number not in live), key=_order)
    fresh = (str(number) for number in count(1) if str(number) not in live.keys() | past.keys())
    return [*used[:lack], *islice(fresh, max(0, lack - len(used)))]


def _order(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (0, number)
