"""The services and tasks of a stack, and the slots of a service. Pure.

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

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from ..base import HEAL_LABEL, HEAL_VALUES, Instance, State
from ..engine import NS_PER_SECOND
from ..errors import EngineError

# States of a task that has ended or should end.
ENDED = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}
RESTART_ANY = "any"


class Service(BaseModel):
    """A service; its grace period and its delay before a new task have Swarm's defaults."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str = Field(validation_alias="ID")
    full_name: str = Field(validation_alias=AliasPath("Spec", "Name"))
    # {"Replicated": {"Replicas": 2}}, or another mode that can't be scaled.
    mode: Mapping[str, Any] = Field(validation_alias=AliasPath("Spec", "Mode"))
    project: str = Field(validation_alias=AliasPath("Spec", "Labels", "com.docker.stack.namespace"))
    heal: str = Field(default="", validation_alias=AliasPath("Spec", "Labels", HEAL_LABEL))
    condition: str = Field(
        default=RESTART_ANY,
        validation_alias=AliasPath("Spec", "TaskTemplate", "RestartPolicy", "Condition"),
    )
    grace_ns: int = Field(
        default=10 * NS_PER_SECOND,
        validation_alias=AliasPath("Spec", "TaskTemplate", "ContainerSpec", "StopGracePeriod"),
    )
    delay_ns: int = Field(
        default=5 * NS_PER_SECOND,
        validation_alias=AliasPath("Spec", "TaskTemplate", "RestartPolicy", "Delay"),
    )

    @property
    def name(self) -> str:
        """Its name within the stack."""
        return self.full_name.removeprefix(f"{self.project}_")

    @property
    def replicas(self) -> int | None:
        """The number of replicas; None for one task on each node, or for a job."""
        return (
            int(self.mode["Replicated"].get("Replicas", 1)) if "Replicated" in self.mode else None
        )


class Task(BaseModel):
    """A task in a slot of a service; an ended task is replaced by a new one in the same slot."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str = Field(validation_alias="ID")
    service: str = Field(validation_alias="ServiceID")
    number: int = Field(default=0, validation_alias="Slot")
    node: str = Field(default="", validation_alias="NodeID")
    desired_state: str = Field(validation_alias="DesiredState")
    state: str = Field(validation_alias=AliasPath("Status", "State"))
    pid: int = Field(default=0, validation_alias=AliasPath("Status", "ContainerStatus", "PID"))
    error: str = Field(default="", validation_alias=AliasPath("Status", "Err"))
    created_at: datetime = Field(validation_alias="CreatedAt")
    state_since: datetime = Field(validation_alias=AliasPath("Status", "Timestamp"))

    @property
    def slot(self) -> str:
        """The number of its slot; the node's id for a service with one task on each node."""
        return str(self.number or self.node)

    @property
    def should_run(self) -> bool:
        """Whether Swarm wants it to run."""
        return self.desired_state not in ENDED

    @property
    def live(self) -> bool:
        """Whether it is running or starting; the others have ended or are leaving."""
        return self.should_run and self.state not in ENDED


@dataclass(frozen=True)
class Slot:
    """A slot, its task if any, and the state of the task's container if it is on this node.

    The state is the engine's, such as `running`, or `unhealthy`.
    """

    service: Service
    number: str
    task: Task | None
    container: str = ""
    last_task: Task | None = None

    @property
    def name(self) -> str:
        """The instance's name, such as web-1."""
        return f"{self.service.name}-{self.number}"

    @property
    def container_name(self) -> str:
        """Swarm's name of the task's container; empty without a task."""
        task = self.task
        return f"{self.service.full_name}.{task.slot}.{task.id}" if task else ""

    @property
    def state(self) -> State:
        """The instance's state; a task is running once its health check, if any, has passed."""
        if self.task is None:
            return "failed" if self.last_task else "starting"
        if self.container == "paused":
            return "paused"
        if self.task.state != "running":
            return "starting"
        return "ready" if self.container in ("", "running") else "unready"

    @property
    def swarm_state(self) -> str:
        """Swarm's state of the task, and its error."""
        tasks = [task for task in (self.task, self.last_task) if task]
        errors = [task.error.strip(". ") for task in tasks if task.error]
        return ": ".join([tasks[0].state if tasks else "no task yet", *errors[:1]])

    def instance(self, now: float) -> Instance:
        """Return the slot as an instance at the time `now`."""
        task = self.task
        uptime = (
            round(now - task.state_since.timestamp(), 1)
            if task and task.state == "running"
            else None
        )
        return Instance(
            name=self.name,
            service=self.service.name,
            state=self.state,
            pid=(task.pid or None) if task else None,
            address=self.container_name,
            uptime_seconds=uptime,
            healing_enabled=self.service.heal in HEAL_VALUES,
        )

    def check_restart(self) -> None:
        """Raise an `EngineError` if a restart of its container is impossible."""
        if self.service.condition != RESTART_ANY:
            raise EngineError(
                f"{self.name} might not start again: its restart_policy has the condition"
                f" {self.service.condition!r}, but a restart needs {RESTART_ANY!r}."
            )
        if not self.container and self.task and self.task.pid:
            raise EngineError(
                f"{self.name} runs on the node {self.task.node}, but only the manager's own node is"
                f" reachable: run `docker service update --force {self.service.full_name}`."
            )
        if not self.container:
            raise EngineError(
                f"{self.name} has no container to restart: Swarm says {self.swarm_state}."
            )


def make_slots(
    service: Service, tasks: Sequence[Task], containers: Mapping[str, str]
) -> Sequence[Slot]:
    """Return the slots of a service; `containers` has the states of those on this node, by task."""
    # Of the tasks of a slot: past ones first, then by age, and a running one last.
    own = sorted(
        (task for task in tasks if task.service == service.id),
        key=lambda task: (task.live and task.state == "running", task.created_at),
    )
    live = {task.slot: task for task in own if task.live}
    ended = {task.slot: task for task in own if not task.live}
    # The wanted slots without a live task, used ones first.
    used = sorted(ended.keys() - live.keys(), key=_order)
    fresh = (str(number) for number in count(1) if str(number) not in live.keys() | ended.keys())
    missing = max(0, (service.replicas or 0) - len(live))
    lost = [*used[:missing], *islice(fresh, max(0, missing - len(used)))]
    return [
        Slot(
            service,
            number,
            live.get(number),
            containers.get(live[number].id, "") if number in live else "",
            ended.get(number),
        )
        for number in sorted([*live, *lost], key=_order)
    ]


def _order(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (0, number)
