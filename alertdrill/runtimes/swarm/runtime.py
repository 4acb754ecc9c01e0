"""List the instances of a Swarm's stack, restart one, and scale a service."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ..base import Instance, ProgressCallback, check_replicas
from ..errors import NotReadyError, UnknownTargetError
from . import pending_reason
from .services import SwarmClient
from .tasks import Service, Slot, slots

# As for containers of Compose: a slow machine needs this long until an instance is ready.
TIMEOUT_S = 60.0
# A task takes at least half a second.
POLL_INTERVAL_S = 0.3


class SwarmRuntime:
    """The stack as services of a Swarm; implements `ControlTarget`."""

    def __init__(self, settings: StackSettings) -> None:
        default = f"unix://{settings.docker_socket}"
        self._engine = SwarmClient(
            settings.project, lambda: os.environ.get("DOCKER_HOST") or default
        )

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; raise `SwarmUnavailableError` without a stack."""
        now = time.time()
        return [slot.instance(now) for slot in self._slots()]

    def restart(self, target: str, grace: float | None = None) -> None:
        """Stop an instance's container, and wait until the task that replaces it is ready."""
        slot = next((candidate for candidate in self._slots() if candidate.name == target), None)
        if slot is None:
            raise UnknownTargetError(f"no instance named {target!r}: see GET /instances.")
        container = pending_reason.local_container(slot)
        before = slot.task.id if slot.task else ""
        # Stop the container here, since Swarm would use the service's own grace period.
        self._engine.end(container.name, slot.service.grace if grace is None else grace)
        _until(
            lambda: pending_reason.until_restart(target, before, self._slots()),
            TIMEOUT_S + slot.service.delay,
        )

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` tasks; leaving ones drain by themselves."""
        check_replicas(service, count)
        current = [slot for slot in self._slots() if slot.service.name == service]
        spec = self._service(service)
        previous = self._engine.set_replicas(spec, count)
        # If the count does not change, wait for every instance that is not ready.
        existing = {slot.number for slot in current if previous != count or slot.state == "ready"}
        try:
            _until(lambda: self._pending(service, count, existing), TIMEOUT_S)
        except BaseException:
            if previous < count:
                with suppress(AlertdrillError):  # the first error is the one to report
                    self._engine.set_replicas(spec, previous, instead_of=count)  # undo
            raise
        before = [slot.task.id for slot in current if slot.task]
        _until(
            lambda: pending_reason.until_leaving(before, self._engine.tasks(), service),
            spec.grace + TIMEOUT_S,
        )
        on_progress(f"{service} has {count} instances")

    def _pending(self, service: str, count: int, existing: set[str]) -> str | None:
        return pending_reason.until_scale(self._service(service), count, existing, self._slots())

    def _service(self, name: str) -> Service:
        for candidate in self._engine.services():
            if candidate.name == name:
                return candidate
        raise UnknownTargetError(f"no service named {name!r} in this Swarm: deploy it.")

    def _slots(self) -> Sequence[Slot]:
        services, tasks = self._engine.services(), self._engine.tasks()
        containers = self._engine.containers()
        return [slot for service in services for slot in slots(service, tasks, containers)]


def _until(reason: Callable[[], str | None], timeout: float) -> None:
    """Poll until nothing is pending; raise `NotReadyError` with the last reason."""
    deadline = time.monotonic() + timeout
    while pending := reason():
        if time.monotonic() > deadline:
            raise NotReadyError(f"Timed out after {timeout:.0f} s: {pending}.")
        time.sleep(POLL_INTERVAL_S)
