"""The Docker engine's API for the containers of one project."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import docker
import docker.errors
import requests

from ..base import HEAL_LABEL
from ..errors import EngineError, EngineUnavailableError

LABEL = "com.docker.compose"
# Longer than the longest grace period in docker-compose.yml (30 s).
TIMEOUT_S = 60


@dataclass(frozen=True)
class Container:
    """One container of a service, with the engine's `state` and `health`."""

    name: str
    service: str
    number: int
    state: str
    health: str
    pid: int | None
    started: float
    healing_enabled: bool = False

    @property
    def instance(self) -> str:
        """Return the instance's name, such as web-1."""
        return f"{self.service}-{self.number}"


class DockerClient:
    """Lists and operates the containers of `project`, on the engine at the address of `host`.

    `host` is called when the first request is made; it returns an address such as
    tcp://proxy:2375.
    """

    def __init__(self, project: str, host: Callable[[], str]) -> None:
        self._project = project
        self._host = host

    @cached_property
    def _client(self) -> Any:
        return docker.APIClient(base_url=self._host(), timeout=TIMEOUT_S)

    def containers(self) -> Sequence[Container]:
        """Return every container of the project's services, by service and number."""
        filters = {"label": [f"{LABEL}.project={self._project}", f"{LABEL}.oneoff=False"]}
        with _translate_errors():
            names = [
                row["Names"][0].lstrip("/")
                for row in self._client.containers(all=True, filters=filters)
            ]
        containers = [container for name in names if (container := self._inspect(name))]
        return sorted(containers, key=lambda container: (container.service, container.number))

    def _inspect(self, name: str) -> Container | None:
        try:
            with _translate_errors():
                return read(self._client.inspect_container(name))
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None  # removed meanwhile
            raise

    def running(self) -> list[Container]:
        """Return the running containers."""
        return [container for container in self.containers() if container.pid is not None]

    def start(self, name: str) -> None:
        """Start a container; harmless if it runs."""
        with _translate_errors():
            self._client.start(name)

    def stop(self, *names: str, grace: float | None = None) -> None:
        """Stop containers in parallel.

        After `grace` seconds, or its own grace period, the rest of a container is killed.
        """
        # The engine counts whole seconds.
        timeout = None if grace is None else int(grace)
        with _translate_errors(), ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            list(pool.map(lambda name: self._client.stop(name, timeout=timeout), names))

    def restart(self, name: str, grace: float) -> None:
        """Stop a container, kill the rest after `grace` seconds, and start it.

        The engine completes this even if its client disconnects.
        """
        with _translate_errors():
            self._client.restart(name, timeout=int(grace))  # the engine counts whole seconds

    def signal(self, name: str, signal: str) -> None:
        """Send a signal, such as KILL or HUP, to the container's first process."""
        with _translate_errors():
            self._client.kill(name, signal)

    def read(self, name: str, path: str) -> str | None:
        """Return the text of a file in a container, running or not; None if it does not exist."""
        try:
            with _translate_errors():
                chunks, _ = self._client.get_archive(name, path)
                archive_data = io.BytesIO(b"".join(chunks))
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise
        with tarfile.open(fileobj=archive_data) as archive:
            [member] = archive.getmembers()
            file = archive.extractfile(member)
            return file.read().decode() if file else None

    def pause(self, name: str) -> None:
        """Freeze every process of a container."""
        with _translate_errors():
            self._client.pause(name)

    def unpause(self, name: str) -> None:
        """Resume a frozen container."""
        with _translate_errors():
            self._client.unpause(name)


def read(details: Mapping[str, Any]) -> Container:
    """Parse a container from the engine's response (`GET /containers/NAME/json`)."""
    labels, state = details["Config"]["Labels"], details["State"]
    return Container(
        name=details["Name"].lstrip("/"),
        service=labels[f"{LABEL}.service"],
        number=int(labels[f"{LABEL}.container-number"]),
        state=state["Status"],
        health=state.get("Health", {}).get("Status", "none"),
        pid=state["Pid"] or None,
        started=_parse_time(state["StartedAt"]),
        healing_enabled=labels.get(HEAL_LABEL) in ("true", "1"),
    )


def _parse_time(text: str) -> float:
    # In nanoseconds, of which Python reads six digits; year 1 if it never started.
    return 0.0 if text.startswith("0001") else datetime.fromisoformat(text[:19] + "Z").timestamp()


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Translate the client's errors into one sentence."""
    try:
        yield
    except docker.errors.APIError as error:
        raise EngineError(f"The engine refused: {error.explanation or error}.") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineUnavailableError(
            "The Docker engine does not answer: start it, or use RUNTIME=native."
        ) from error
