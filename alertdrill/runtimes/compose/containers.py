"""Operations on running containers, from the host and from inside the stack's networks."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ...config.service_values import RELEASE, SECRET_FILES
from ...config.services import SERVICES, all_components
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ..base import HEAL_VALUES, Instance, ProgressCallback, State, check_replicas, wait_until
from ..engine import Container, ProjectEngine
from ..errors import EngineUnavailableError, UnknownTargetError

# The engine's container states and health states, and ours.
STATES: Mapping[str, State] = {
    "created": "standby",
    "exited": "stopped",
    "dead": "failed",
    "removing": "stopped",
    "restarting": "starting",
    "paused": "paused",
}
HEALTH: Mapping[str, State] = {"starting": "starting", "unhealthy": "unready"}
ONE_SHOT_SERVICES = ("init-config", "test", "drills")
LOOPBACK = "127.0.0.1"
# The load balancer listens for clients and for its statistics.
LB_PORTS = {"lb": 8080, "lb-stats": 8404}


def is_one_shot(service: str) -> bool:
    """Return whether the containers of a Compose service run once and end."""
    return service in ONE_SHOT_SERVICES or service.endswith((RELEASE, SECRET_FILES))


def published_port(settings: StackSettings, component: str) -> int | None:
    """Return the port of the host on which a component is published; None if it is not."""
    if component in LB_PORTS:
        return settings.ports.lb if component == "lb" else settings.ports.lb_stats
    entry = all_components().get(component)
    return getattr(settings.ports, entry.setting) if entry and entry.published else None


def network_url(project: str, component: str) -> str:
    """Return the URL of a component for containers, which reach each other by name."""
    service = "lb" if component in LB_PORTS else component
    entry = all_components().get(service)
    if entry is None:
        raise UnknownTargetError(f"no component named {component!r}: see `make status`.")
    host = entry.alias or f"{project}-{service}-1"
    return f"http://{host}:{LB_PORTS.get(component, entry.port)}"


class ContainerRuntime(ABC):
    """The part of a runtime that acts on the containers of one project."""

    name = "compose"

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self.speed, self.ephemeral = settings.speed, settings.ephemeral

    @property
    @abstractmethod
    def _engine(self) -> ProjectEngine:
        """The engine of the containers."""

    @abstractmethod
    def _instance_address(self, container: Container) -> str:
        """Return the host and port of an instance, or the host alone."""

    @abstractmethod
    def _replicas(self) -> Mapping[str, int]:
        """Return the replica count of every service."""

    @abstractmethod
    def _publish(self, counts: Mapping[str, int]) -> None:
        """Store the replica counts, and update Prometheus's list of targets."""

    @abstractmethod
    def _scale_lock(self) -> AbstractContextManager[object]:
        """Lock the replica counts against other commands."""

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down."""
        containers = [
            container
            for container in self._engine.containers()
            if not is_one_shot(container.service)
        ]
        if not any(container.pid for container in containers):
            return []
        now = time.time()
        return [
            Instance(
                name=container.instance,
                service=container.service,
                state=self._state(container),
                pid=container.pid or None,
                address=self._instance_address(container),
                uptime_seconds=(
                    round(now - container.started.timestamp(), 1) if container.pid else None
                ),
                healing_enabled=container.heal in HEAL_VALUES,
                ops_address=_ops_address(container),
            )
            for container in containers
        ]

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""
        self._start(self._wanted(target))

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire."""
        self._engine.stop_all(self._wanted(target), grace)

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); the control API starts it again."""
        self._act(target, "kill", signal="KILL")

    def pause(self, target: str) -> None:
        """Freeze a target until `resume`."""
        self._act(target, "pause")

    def _act(self, target: str, action: str, **query: Any) -> None:
        for container in self._wanted(target):
            if container.pid:
                self._engine.act(container.name, action, **query)

    def resume(self, target: str) -> None:
        """Resume a paused target."""
        for container in self._wanted(target):
            if container.state == "paused":
                self._engine.act(container.name, "unpause")

    def restart(self, target: str, grace: float | None = None) -> None:
        """Restart the instances of a target gracefully, one after the other."""
        for container in self._wanted(target):
            if grace is None:
                self._engine.stop(container.name)
                self._engine.start(container.name)
            else:
                self._engine.stop(container.name, grace, action="restart")
            self._await_ready([container])

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` instances; the others drain and go on standby.

        The load balancer and Prometheus find running instances by name. A leaving instance reports
        that it is not ready, and waits until both have noticed, so that no request is lost.
        """
        check_replicas(service, count)
        self._require_running()
        with self._scale_lock():
            containers = self._replica_containers(service, count)
            counts = self._replicas()
            new = [item for item in containers if counts[service] < item.number <= count]
            try:
                self._start(new)
            except BaseException:
                self._engine.stop_all(new)  # undo
                raise
            # Before any instance leaves, so that no alert fires for a planned exit.
            self._publish({**counts, service: count})
            leaving = [item for item in containers if item.number > count and item.pid]
            self._engine.stop_all(leaving)
        for container in new:
            on_progress(f"{container.instance} is ready")
        for container in leaving:
            on_progress(f"{container.instance} is on standby")

    def _replica_containers(self, service: str, count: int) -> Sequence[Container]:
        """Return every container of a service; raise an `AlertdrillError` unless `count` exist."""
        containers = [item for item in self._engine.containers() if item.service == service]
        if not set(range(1, count + 1)) <= {container.number for container in containers}:
            raise AlertdrillError(
                f"{service} has too few containers for {count} instances: run `make up` on the host"
                " to create them."
            )
        return containers

    def _start(self, containers: Sequence[Container]) -> None:
        """Start containers, each when the one before is ready.

        The load balancer repeats a request that an instance refuses while it starts only once.
        """
        for container in containers:
            self._engine.start(container.name)
            self._await_ready([container])

    def _await_ready(self, containers: Sequence[Container]) -> None:
        names = [container.instance for container in containers]

        def ready() -> bool:
            states = {instance.name: instance.state for instance in self.status()}
            return all(states.get(name) == "ready" for name in names)

        wait_until(ready, f"{', '.join(names)} to be ready")

    def _state(self, container: Container) -> State:
        if container.state == "running":
            return HEALTH.get(container.health, "ready")
        if container.state == "exited" and container.service in SERVICES:
            is_extra = container.number > self._replicas()[container.service]
            return "standby" if is_extra else "stopped"
        return STATES[container.state]

    def _targets(self, target: str, containers: Sequence[Container]) -> Sequence[Container]:
        targets = [item for item in containers if target in (item.instance, item.service)]
        if not targets:
            raise UnknownTargetError(f"no instance or service named {target!r}: see `make status`.")
        return targets

    def _wanted(self, target: str) -> Sequence[Container]:
        """Return the instances of a target that should run."""
        targets = self._targets(target, self._require_running())
        wanted = [container for container in targets if self._state(container) != "standby"]
        if not wanted:
            raise UnknownTargetError(f"{target} is on standby: scale its service to start it.")
        return wanted

    def _require_running(self) -> Sequence[Container]:
        """Return every container; raise `EngineUnavailableError` if none runs."""
        containers = self._engine.containers()
        if not any(container.pid for container in containers):
            raise EngineUnavailableError("The stack is down: start it with `make up`.")
        return containers


def _ops_address(container: Container) -> str:
    """Return where an instance answers operations: other containers reach it, the host does not."""
    component = all_components().get(container.service)
    if component is None or component.ops is None:
        return ""
    return f"{component.host(container.name)}:{component.ops}"
