"""The engine's API: the containers of one project, and what is done to each of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import docker
import docker.errors
import requests

from .errors import EngineError, EngineUnavailableError

LABEL = "com.docker.compose"
# Says of a container that the responder may restart it.
HEAL_LABEL = "alertdrill.heal"
# Longer than the longest grace period of docker-compose.yml (30 s).
TIMEOUT_S = 60


@dataclass(frozen=True)
class Container:
    """One container of a service: `state` and `health` are the engine's words."""

    name: str
    service: str
    number: int
    state: str
    health: str
    pid: int | None
    started: float
    heals: bool = False

    @property
    def instance(self) -> str:
        """Return its name within the stack, such as web-1."""
        return f"{self.service}-{self.number}"


class Engine:
    """The containers of `project`, by way of the engine at what `host` returns.

    That is only asked for once it is needed; it is such as tcp://proxy:2375.
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
        found = [one for name in names if (one := self._inspect(name))]
        return sorted(found, key=lambda one: (one.service, one.number))

    def _inspect(self, name: str) -> Container | None:
        try:
            with _translate_errors():
                return read(self._client.inspect_container(name))
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None  # gone meanwhile
            raise

    def running(self) -> list[Container]:
        """Return the containers that run."""
        return [one for one in self.containers() if one.pid is not None]

    def start(self, name: str) -> None:
        """Start a container; harmless where it runs."""
        with _translate_errors():
            self._client.start(name)

    def stop(self, name: str) -> None:
        """Stop gracefully, within its own grace period."""
        with _translate_errors():
            self._client.stop(name)

    def restart(self, name: str, grace: float) -> None:
        """Stop, kill what is left after `grace` seconds, and start.

        The engine does all of it, even where who asked for it is gone in between.
        """
        with _translate_errors():
            self._client.restart(name, timeout=int(grace))  # it counts in whole seconds

    def signal(self, name: str, signal: str) -> None:
        """Send a signal, such as KILL or HUP, to the container's first process."""
        with _translate_errors():
            self._client.kill(name, signal)

    def read(self, name: str, path: str) -> str | None:
        """Return the text of a file as a container has it, running or not; None without one."""
        try:
            with _translate_errors():
                chunks, _ = self._client.get_archive(name, path)
                packed = io.BytesIO(b"".join(chunks))
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise
        with tarfile.open(fileobj=packed) as archive:
            [member] = archive.getmembers()
            held = archive.extractfile(member)
            return held.read().decode() if held else None

    def pause(self, name: str) -> None:
        """Freeze every process of a container."""
        with _translate_errors():
            self._client.pause(name)

    def unpause(self, name: str) -> None:
        """Let a frozen container go on."""
        with _translate_errors():
            self._client.unpause(name)


def read(found: Mapping[str, Any]) -> Container:
    """Return what the engine says of a container (`GET /containers/NAME/json`)."""
    labels, state = found["Config"]["Labels"], found["State"]
    return Container(
        name=found["Name"].lstrip("/"),
        service=labels[f"{LABEL}.service"],
        number=int(labels[f"{LABEL}.container-number"]),
        state=state["Status"],
        health=state.get("Health", {}).get("Status", "none"),
        pid=state["Pid"] or None,
        started=_moment(state["StartedAt"]),
        heals=labels.get(HEAL_LABEL) in ("true", "1"),
    )


def _moment(text: str) -> float:
    # To the nanosecond, of which Python reads six digits; year 1 where it never started.
    return 0.0 if text.startswith("0001") else datetime.fromisoformat(text[:19] + "Z").timestamp()


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn the client's errors into one sentence."""
    try:
        yield
    except docker.errors.APIError as error:
        raise EngineError(f"The engine refused: {error.explanation or error}.") from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineUnavailableError(
            "The Docker engine does not answer: start it, or use RUNTIME=native."
        ) from error
