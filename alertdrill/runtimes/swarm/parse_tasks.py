"""Parse services, tasks and containers from the manager's API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..compose.docker_client import HEAL_LABEL

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
