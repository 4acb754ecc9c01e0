"""The API of a manager's engine: the services and tasks of one stack, and its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import docker
import docker.errors
import requests

from ..errors import ConflictError, SwarmError, SwarmUnavailableError
from .tasks import (
    STACK_LABEL,
    TASK_LABEL,
    Container,
    Service,
    Task,
    read_container,
    read_service,
    read_task,
    replicas,
)

# The engine answers in well under a second; longer operations add their own time.
TIMEOUT_S = 10
# A service changes a few times a second while its tasks start and stop; read it again each time.
MAX_ATTEMPTS = 5


class SwarmClient:
    """The stack `project`, on the engine at the address that `host` returns when it is needed."""

    def __init__(self, project: str, host: Callable[[], str]) -> None:
        self._project = project
        self._host = host

    @cached_property
    def _client(self) -> Any:
        return docker.APIClient(base_url=self._host(), timeout=TIMEOUT_S)

    @property
    def _filters(self) -> Mapping[str, Sequence[str]]:
        return {"label": [f"{STACK_LABEL}={self._project}"]}

    def services(self) -> Sequence[Service]:
        """Return the services of the stack; raise `SwarmUnavailableError` if there are none."""
        with _translate_errors():
            rows = self._client.services(filters=self._filters)
        if not rows:
            raise SwarmUnavailableError(
                f"no stack named {self._project!r} in this Swarm:"
                " deploy it, or set COMPOSE_PROJECT_NAME."
            )
        return [read_service(row, self._project) for row in rows]

    def tasks(self) -> Sequence[Task]:
        """Return the tasks of the stack, including past ones that Swarm keeps."""
        with _translate_errors():
            return [read_task(row) for row in self._client.tasks(filters=self._filters)]

    def containers(self) -> Mapping[str, Container]:
        """Return the containers of the stack on this engine's node, by task id."""
        with _translate_errors():
            rows = self._client.containers(all=True, filters=self._filters)
        return {
            row["Labels"][TASK_LABEL]: read_container(row)
            for row in rows
            if TASK_LABEL in row["Labels"]
        }

    def end(self, name: str, grace: float) -> None:
        """Stop a container, and kill it after `grace` seconds; harmless if it has ended."""
        try:
            with _translate_errors():
                self._client.stop(name, timeout=int(grace))  # the engine counts whole seconds
        except SwarmError as error:
            if not isinstance(error.__cause__, docker.errors.NotFound):
                raise

    def set_replicas(self, service: Service, count: int, instead_of: int | None = None) -> int:
        """Set the number of tasks of a service; return the previous number.

        If `instead_of` is set, change nothing unless the previous number equals it.
        """
        for _ in range(MAX_ATTEMPTS):
            with _translate_errors():
                details = self._client.inspect_service(service.id)
            previous = replicas(details["Spec"])
            if previous is None:
                raise SwarmError(f"{service.name} is not a replicated service: it can't be scaled.")
            if previous == count or instead_of not in (None, previous):
                return previous
            try:
                self._write(details, count)
            except ConflictError:
                continue
            return previous
        raise SwarmError(f"Others keep changing {service.name}: wait for them, and try again.")

    def _write(self, details: Mapping[str, Any], count: int) -> None:
        """Write a service's spec back as it was read, or Swarm would replace all its tasks."""
        spec = details["Spec"]
        mode = {"Replicated": {**spec["Mode"]["Replicated"], "Replicas": count}}
        with _translate_errors():
            self._client.update_service(
                details["ID"],
                details["Version"]["Index"],
                name=spec["Name"],
                labels=spec.get("Labels"),
                mode=mode,
                task_template=spec["TaskTemplate"],
                update_config=spec.get("UpdateConfig"),
                rollback_config=spec.get("RollbackConfig"),
                endpoint_spec=spec.get("EndpointSpec"),
            )


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the client's errors into one sentence."""
    try:
        yield
    except docker.errors.APIError as error:
        message = str(error.explanation or error).strip(". \n")
        if "out of sequence" in message:
            raise ConflictError("Another client has changed the service meanwhile.") from error
        # Not a manager, or a manager without a leader; the engine says what to do.
        if error.status_code == 503:
            raise SwarmUnavailableError(
                f"This engine can't report the state of the Swarm: {message}."
            ) from error
        raise SwarmError(f"The engine refused: {message}.") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise SwarmUnavailableError(
            "The engine of the Swarm's manager does not answer: start it, or set DOCKER_HOST."
        ) from error
