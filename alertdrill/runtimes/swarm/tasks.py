"""The services, tasks and containers of a stack, and the slots of a service. Pure.

The slots are the instances: a new task keeps the slot's name. A slot without a live task is an
instance too, which is not ready: so there are as many instances as the service has replicas, and a
lost one stays visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from typing import Any

from ..base import HEAL_LABEL, Instance, State

STACK_LABEL = "com.docker.stack.namespace"
TASK_LABEL = "com.docker.swarm.task.id"
# The engine counts in nanoseconds.
NS_PER_SECOND = 1e9
# Swarm's defaults.
DEFAULT_GRACE_S, DEFAULT_DELAY_S, RESTART_ANY = 10.0, 5.0, "any"
# States of a task that has ended or should end.
ENDED = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}


@dataclass(frozen=True)
class Service:
    """A service's spec; `name` is its name within the stack.

    `replicas` is None for a service with one task on each node. Swarm replaces an ended task after
    `delay` seconds, if `condition` allows it.
    """

    id: str
    name: str
    full_name: str
    replicas: int | None
    healing_enabled: bool = False
    condition: str = RESTART_ANY
    grace: float = DEFAULT_GRACE_S
    delay: float = DEFAULT_DELAY_S


@dataclass(frozen=True)
class Task:
    """A task in a slot of a service; an ended task is replaced by a new one in the same slot.

    `slot` is a number, or a node's id for a service with one task on each node. `created_at` and
    `state_since` are times in seconds.
    """

    id: str
    service: str
    slot: str
    state: str
    should_run: bool
    node: str = ""
    pid: int | None = None
    error: str = ""
    created_at: float = 0.0
    state_since: float = 0.0

    @property
    def live(self) -> bool:
        """Return whether it is running or starting; the others have ended or are leaving."""
        return self.should_run and self.state not in ENDED


@dataclass(frozen=True)
class Container:
    """The container of a task on the manager's node, with the engine's `state`."""

    name: str
    state: str
    unhealthy: bool = False


def read_service(details: Mapping[str, Any], project: str) -> Service:
    """Parse a service (`GET /services`)."""
    spec = details["Spec"]
    template = spec["TaskTemplate"]
    policy = template.get("RestartPolicy") or {}
    return Service(
        id=details["ID"],
        name=spec["Name"].removeprefix(f"{project}_"),
        full_name=spec["Name"],
        replicas=replicas(spec),
        healing_enabled=(spec.get("Labels") or {}).get(HEAL_LABEL) in ("true", "1"),
        condition=policy.get("Condition", RESTART_ANY),
        grace=_seconds(template.get("ContainerSpec", {}).get("StopGracePeriod"), DEFAULT_GRACE_S),
        delay=_seconds(policy.get("Delay"), DEFAULT_DELAY_S),
    )


def replicas(spec: Mapping[str, Any]) -> int | None:
    """Return the replica count of a spec; None for one task on each node, or for a job."""
    mode = spec["Mode"].get("Replicated")
    return None if mode is None else int(mode.get("Replicas", 1))


def read_task(details: Mapping[str, Any]) -> Task:
    """Parse a task (`GET /tasks`)."""
    status = details["Status"]
    return Task(
        id=details["ID"],
        service=details["ServiceID"],
        slot=str(details.get("Slot") or details.get("NodeID", "")),
        state=status["State"],
        should_run=details["DesiredState"] not in ENDED,
        node=details.get("NodeID", ""),
        pid=status.get("ContainerStatus", {}).get("PID") or None,
        error=status.get("Err", "").strip(". "),
        created_at=_parse_time(details["CreatedAt"]),
        state_since=_parse_time(status["Timestamp"]),
    )


def read_container(details: Mapping[str, Any]) -> Container:
    """Parse a container of the engine's list (`GET /containers/json`)."""
    unhealthy = "(unhealthy)" in details.get("Status", "")
    return Container(details["Names"][0].lstrip("/"), details["State"], unhealthy)


def _seconds(nanoseconds: int | None, default: float) -> float:
    return default if nanoseconds is None else nanoseconds / NS_PER_SECOND


def _parse_time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


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
