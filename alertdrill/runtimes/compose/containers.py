"""Operations on running containers, from the host and from inside the stack's networks."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from ...config.services import SERVICES
from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ..base import Instance, ProgressCallback, State, check_replicas, wait_until
from ..errors import EngineUnavailableError, UnknownTargetError
from .docker_client import Container, DockerClient
from .endpoints import HostEndpoints, NetworkEndpoints

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
# Not instances: they run once and end.
ONE_SHOT_SERVICES = ("init-config", "test", "drills")


class ContainerRuntime(ABC):
    """The part of a runtime that acts on the containers of one project."""

    name = "compose"

    def __init__(
        self,
        settings: StackSettings,
        engine: DockerClient,
        endpoints: HostEndpoints | NetworkEndpoints,
    ) -> None:
        self._settings = settings
        self.speed, self.ephemeral = settings.speed, settings.ephemeral
        self._engine = engine
        self._endpoints = endpoints

    # Read

    def status(self) -> Sequence[Instance]:
        """Return every instance with its state; empty when the stack is down."""
        containers = [
            container
            for container in self._engine.containers()
            if container.service not in ONE_SHOT_SERVICES
        ]
        return (
            [self._instance(container) for container in containers]
            if any(container.pid for container in containers)
            else []
        )

    def address(self, component: str) -> str:
        """Return the URL of a component of the stack, such as `prometheus`."""
        return self._endpoints.address(component)

    def addresses(self) -> Mapping[str, str]:
        """Return the user-facing URLs, by title."""
        return self._endpoints.user_urls(
            [container.service for container in self._engine.running()]
        )

    # Write

    def start(self, target: str) -> None:
        """Start a stopped target; return when it is ready."""
        containers = self._wanted(target)
        for container in containers:
            self._engine.start(container.name)
        self._await_ready([container.instance for container in containers])

    def stop(self, target: str, grace: float | None = None) -> None:
        """Stop a target; Prometheus still expects it, so alerts fire."""
        names = [container.name for container in self._wanted(target)]
        self._engine.stop(*names, grace=grace)

    def kill(self, target: str) -> None:
        """Kill a target (SIGKILL); the control API starts it again."""
        self._for_containers(target, lambda name: self._engine.signal(name, "KILL"))

    def pause(self, target: str) -> None:
        """Freeze a target until `resume`."""
        self._for_containers(target, self._engine.pause)

    def resume(self, target: str) -> None:
        """Resume a paused target."""
        for container in self._wanted(target):
            if container.state == "paused":
                self._engine.unpause(container.name)

    def restart(self, target: str, grace: float | None = None) -> None:
        """Restart the instances of a target gracefully, one after the other."""
        for container in self._wanted(target):
            if grace is None:
                self._engine.stop(container.name)
                self._engine.start(container.name)
            else:
                self._engine.restart(container.name, grace)
            self._await_ready([container.instance])

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
            self._admit(new)
            # Before any instance leaves, so that no alert fires for a planned exit.
            self._publish({**counts, service: count})
            leaving = [item for item in containers if item.number > count and item.pid is not None]
            self._engine.stop(*(container.name for container in leaving))
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

    def _admit(self, new: Sequence[Container]) -> None:
        for container in new:
            self._engine.start(container.name)
        try:
            self._await_ready([container.instance for container in new])
        except BaseException:
            self._engine.stop(*(container.name for container in new))  # undo
            raise

    @abstractmethod
    def _replicas(self) -> Mapping[str, int]:
        """Return the replica count of every service."""

    @abstractmethod
    def _publish(self, counts: Mapping[str, int]) -> None:
        """Store the replica counts, and update Prometheus's list of targets."""

    @abstractmethod
    def _scale_lock(self) -> AbstractContextManager[None]:
        """Lock the replica counts against other commands."""

    def _await_ready(self, names: Sequence[str]) -> None:
        def ready() -> bool:
            states = {container.name: container.state for container in self.status()}
            return all(states.get(name) == "ready" for name in names)

        wait_until(ready, f"{', '.join(names)} to be ready")

    def _instance(self, container: Container) -> Instance:
        return Instance(
            name=container.instance,
            service=container.service,
            state=self._state(container),
            pid=container.pid,
            address=self._endpoints.instance_address(container),
            uptime_seconds=round(time.time() - container.started, 1) if container.pid else None,
            healing_enabled=container.healing_enabled,
        )

    def _state(self, container: Container) -> State:
        if container.state == "running":
            return HEALTH.get(container.health, "ready")
        if container.state == "exited" and container.service in SERVICES:
            return (
                "standby" if container.number > self._replicas()[container.service] else "stopped"
            )
        return STATES[container.state]

    def _targets(self, target: str) -> Sequence[Container]:
        containers = self._engine.containers()
        targets = [
            container
            for container in containers
            if target in (container.instance, container.service)
        ]
        if not targets:
            raise UnknownTargetError(f"no instance or service named {target!r}: see `make status`.")
        return targets

    def _wanted(self, target: str) -> Sequence[Container]:
        """Return the instances of a target that should run."""
        self._require_running()
        targets = [
            container for container in self._targets(target) if self._state(container) != "standby"
        ]
        if not targets:
            raise UnknownTargetError(f"{target} is on standby: scale its service to start it.")
        return targets

    def _require_running(self) -> None:
        if not self._engine.running():
            raise EngineUnavailableError("The stack is down: start it with `make up`.")

    def _for_containers(self, target: str, act: Callable[[str], None]) -> None:
        for container in self._wanted(target):
            if container.pid is not None:
                act(container.name)
