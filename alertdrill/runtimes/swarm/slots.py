"""The slots of a service, which are its instances: a new task keeps the slot's name. Pure.

A slot without a live task is an instance too, which is not ready: so there are as many instances
as the service has replicas, and a lost one stays visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

from ..base import Instance, State
from .parse_tasks import Container, Service, Task


@dataclass(frozen=True)
class Slot:
    """A slot, its task if any, and the task's container if it is on this node."""

    service: Service
    number: str
    task: Task | None
    container: Container | None
    last_task: Task | None = None

    @property
    def name(self) -> str:
        """Return the instance's name, such as web-1."""
        return f"{self.service.name}-{self.number}"

    @property
    def state(self) -> State:
        """Return the instance's state.

        Swarm calls a task running once its health check, if any, has passed.
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
        """Return Swarm's state of the task, and its error."""
        errors = [task.error for task in (self.task, self.last_task) if task and task.error]
        state = (
            self.task.state
            if self.task
            else self.last_task.state
            if self.last_task
            else "no task yet"
        )
        return ": ".join([state, *errors[:1]])

    def instance(self, now: float) -> Instance:
        """Return the slot as an instance at the time `now`; its address is its container's name."""
        runs = self.task and self.task.state == "running"
        return Instance(
            name=self.name,
            service=self.service.name,
            state=self.state,
            pid=self.task.pid if self.task else None,
            address=container_name(self.service, self.task) if self.task else "",
            uptime_seconds=round(now - self.task.state_since, 1) if self.task and runs else None,
            healing_enabled=self.service.healing_enabled,
        )


def container_name(service: Service, task: Task) -> str:
    """Return Swarm's name of a task's container."""
    return f"{service.full_name}.{task.slot}.{task.id}"


def slots(
    service: Service, tasks: Sequence[Task], containers: Mapping[str, Container]
) -> Sequence[Slot]:
    """Return the slots of a service; `containers` has those on this node, by task id."""
    service_tasks = sorted((task for task in tasks if task.service == service.id), key=_rank)
    live = {task.slot: task for task in service_tasks if task.live}
    ended = {task.slot: task for task in service_tasks if not task.live}
    numbers = sorted([*live, *_missing(service, live, ended)], key=_order)
    result = []
    for number in numbers:
        task = live.get(number)
        container = containers.get(task.id) if task else None
        result.append(Slot(service, number, task, container, ended.get(number)))
    return result


def _rank(task: Task) -> tuple[bool, float]:
    """Sort the tasks of a slot: past ones first, then by age, and a running one last."""
    return (task.live and task.state == "running", task.created_at)


def _missing(
    service: Service, live: Mapping[str, Task], ended: Mapping[str, Task]
) -> Sequence[str]:
    """Return the wanted slots without a live task, used ones first."""
    missing = max(0, (service.replicas or 0) - len(live))
    used = sorted((number for number in ended if number not in live), key=_order)
    fresh = (str(number) for number in count(1) if str(number) not in live.keys() | ended.keys())
    return [*used[:missing], *islice(fresh, max(0, missing - len(used)))]


def _order(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (0, number)
