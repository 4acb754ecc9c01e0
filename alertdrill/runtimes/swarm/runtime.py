"""List the instances of a Swarm's stack, restart one, and scale a service."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...config.settings import StackSettings
from ...errors import AlertdrillError
from ..base import Instance, ProgressCallback, check_replicas
from ..engine import NS_PER_SECOND, EngineClient
from ..errors import EngineError, EngineUnavailableError, NotReadyError, UnknownTargetError
from .tasks import ENDED, Service, Slot, Task, make_slots

# As for containers of Compose: a slow machine needs this long until an instance is ready.
TIMEOUT_S = 60.0
# A task takes at least half a second.
POLL_INTERVAL_S = 0.3
# The engine answers in well under a second; longer operations add their own time.
ENGINE_TIMEOUT_S = 10.0
# A service changes a few times a second while its tasks start and stop; read it again each time.
MAX_ATTEMPTS = 5
TASK_LABEL = "com.docker.swarm.task.id"


class SwarmRuntime:
    """The stack as services of a Swarm; implements `ControlTarget`."""

    def __init__(self, settings: StackSettings) -> None:
        self._project = settings.project
        label = f"com.docker.stack.namespace={settings.project}"
        self._filters = {"filters": json.dumps({"label": [label]})}
        host = os.environ.get("DOCKER_HOST") or f"unix://{settings.docker_socket}"
        self._engine = EngineClient(host, ENGINE_TIMEOUT_S)

    def status(self) -> Sequence[Instance]:
        """Return every instance, with its state; raise `EngineUnavailableError` without a stack."""
        now = time.time()
        return [slot.instance(now) for slot in self._slots()]

    def restart(self, target: str, grace: float | None = None) -> None:
        """Stop an instance's container, and wait until the task that replaces it is ready."""
        slot = next((item for item in self._slots() if item.name == target), None)
        if slot is None:
            raise UnknownTargetError(f"no instance named {target!r}: see GET /instances.")
        slot.check_restart()
        before = slot.task.id if slot.task else ""
        # Stop the container here, since Swarm would use the service's own grace period.
        seconds = slot.service.grace_ns / NS_PER_SECOND if grace is None else grace
        try:
            self._engine.stop(slot.container_name, seconds)
        except EngineError as error:
            if error.status != 404:  # it has ended
                raise

        def pending() -> str | None:
            now = next((item for item in self._slots() if item.name == target), None)
            if now is None:
                raise EngineError(f"Swarm no longer runs {target}: its service was scaled.")
            if now.state == "ready" and now.task and now.task.id != before:
                return None
            return f"{target} is not ready: Swarm says {now.swarm_state}"

        _wait(pending, TIMEOUT_S + slot.service.delay_ns / NS_PER_SECOND)

    def scale(self, service: str, count: int, on_progress: ProgressCallback) -> None:
        """Scale a service to `count` tasks; leaving ones drain by themselves."""
        check_replicas(service, count)
        current = [slot for slot in self._slots() if slot.service.name == service]
        spec = self._service(service)
        previous = self._set_replicas(spec, count)
        # The health of the present instances does not matter; but if the count does not change,
        # wait for every instance that is not ready.
        existing = {slot.number for slot in current if previous != count or slot.state == "ready"}

        def pending() -> str | None:
            replicas = self._service(service).replicas
            if replicas != count:
                raise EngineError(f"Another client scaled {service} to {replicas} meanwhile.")
            slots = [slot for slot in self._slots() if slot.service.name == service]
            for slot in slots:
                if slot.number not in existing and slot.state != "ready":
                    return f"{slot.name} is not ready: Swarm says {slot.swarm_state}"
            return None if len(slots) == count else f"{service} has {len(slots)} tasks, not {count}"

        try:
            _wait(pending, TIMEOUT_S)
        except BaseException:
            if previous < count:
                with suppress(AlertdrillError):  # the first error is the one to report
                    self._set_replicas(spec, previous, instead_of=count)  # undo
            raise
        before = {slot.task.id for slot in current if slot.task}

        def leaving() -> str | None:
            for task in self._tasks():
                if task.id in before and not task.should_run and task.state not in ENDED:
                    return f"{service}-{task.slot} has not ended"
            return None

        _wait(leaving, spec.grace_ns / NS_PER_SECOND + TIMEOUT_S)
        on_progress(f"{service} has {count} instances")

    def _set_replicas(self, service: Service, count: int, instead_of: int | None = None) -> int:
        """Set the number of tasks of a service; return the previous number.

        If `instead_of` is set, change nothing unless the previous number equals it.
        """
        path = f"/services/{service.id}"
        for _ in range(MAX_ATTEMPTS):
            details = self._engine.get(path)
            previous = Service.model_validate(details).replicas
            if previous is None:
                raise EngineError(
                    f"{service.name} is not a replicated service: it can't be scaled."
                )
            if previous == count or instead_of not in (None, previous):
                return previous
            # Written back as it was read, or Swarm would replace all its tasks.
            spec = details["Spec"]
            mode = {"Replicated": {**spec["Mode"]["Replicated"], "Replicas": count}}
            version = details["Version"]["Index"]
            try:
                body = {**spec, "Mode": mode}
                self._engine.request("POST", f"{path}/update", {"version": version}, body=body)
            except EngineError as error:
                if "out of sequence" not in str(error):
                    raise
                continue  # another client has changed the service meanwhile
            return previous
        raise EngineError(f"Others keep changing {service.name}: wait for them, and try again.")

    def _services(self) -> Sequence[Service]:
        rows = self._engine.get("/services", self._filters)
        if not rows:
            raise EngineUnavailableError(
                f"no stack named {self._project!r} in this Swarm:"
                " deploy it, or set COMPOSE_PROJECT_NAME."
            )
        return [Service.model_validate(row) for row in rows]

    def _service(self, name: str) -> Service:
        for candidate in self._services():
            if candidate.name == name:
                return candidate
        raise UnknownTargetError(f"no service named {name!r} in this Swarm: deploy it.")

    def _tasks(self) -> Sequence[Task]:
        """Return the tasks of the stack, including past ones that Swarm keeps."""
        rows = self._engine.get("/tasks", self._filters)
        return [Task.model_validate(row) for row in rows]

    def _slots(self) -> Sequence[Slot]:
        services, tasks = self._services(), self._tasks()
        rows: Sequence[Mapping[str, Any]] = self._engine.get(
            "/containers/json", {"all": 1, **self._filters}
        )
        # The state of each container on this node, by task.
        containers = {
            row["Labels"][TASK_LABEL]: (
                "unhealthy" if "(unhealthy)" in row.get("Status", "") else row["State"]
            )
            for row in rows
            if TASK_LABEL in row["Labels"]
        }
        return [slot for service in services for slot in make_slots(service, tasks, containers)]


def _wait(reason: Callable[[], str | None], timeout: float) -> None:
    """Poll until nothing is pending; raise `NotReadyError` with the last reason."""
    deadline = time.monotonic() + timeout
    while pending := reason():
        if time.monotonic() > deadline:
            raise NotReadyError(f"Timed out after {timeout:.0f} s: {pending}.")
        time.sleep(POLL_INTERVAL_S)
