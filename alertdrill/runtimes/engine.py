"""The Docker engine's API: one client for Compose, Swarm and the reconcile loop.

It uses the standard library only: the docker client reads events without a timeout, so that a
hanging proxy would block the reconcile loop.
"""

from __future__ import annotations

import io
import json
import re
import socket
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AfterValidator, AliasPath, BaseModel, ConfigDict, Field

from ..errors import AlertdrillError
from .base import HEAL_LABEL
from .errors import EngineError, EngineUnavailableError

UNIX = "unix://"
LABEL = "com.docker.compose"
SERVICE_LABEL = f"{LABEL}.service"
NS_PER_SECOND = 1_000_000_000
# Longer than the longest grace period in docker-compose.yml (30 s).
TIMEOUT_S = 60.0
# The engine starts a container within a second, and later on a busy host.
MIN_START_TIMEOUT_S = 8.0
# The engine's default grace period, on top of which a request may take its own time.
DEFAULT_GRACE_S = 10.0


class EngineClient:
    """The engine at `host`, such as unix:///var/run/docker.sock or tcp://proxy:2375.

    A request takes up to `timeout` seconds, in addition to a grace period. Every method raises
    `EngineError` with the status of a refusal, or `EngineUnavailableError` without an answer.
    """

    def __init__(self, host: str, timeout: float = TIMEOUT_S) -> None:
        if not re.fullmatch(r"unix:///.+|tcp://[^/]+:[0-9]+", host):
            raise AlertdrillError(
                f"DOCKER_HOST is {host!r}: set it to unix:///PATH or tcp://HOST:PORT."
            )
        self._host, self._timeout = host, timeout
        # The address that did not answer last: a proxy has one for each replica, and is asked at
        # the others first.
        self._silent = ""

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        body: object = None,
        timeout: float | None = None,
    ) -> bytes:
        """Send a request, with a `body` as JSON if there is one, and return the response's body."""
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection = _Connection(self._host, timeout or self._timeout, self._silent)
        try:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            status, answer = response.status, response.read()
        except (OSError, HTTPException) as error:
            self._silent = connection.address
            raise EngineUnavailableError(
                f"The Docker engine at {self._host} does not answer"
                f" ({error or type(error).__name__}): start it, set DOCKER_HOST, or use"
                " RUNTIME=native."
            ) from error
        finally:
            connection.close()
        if status < 400:
            return answer
        reason = answer[:200].decode(errors="replace")
        with suppress(ValueError, KeyError, TypeError):
            reason = str(json.loads(answer)["message"])
        reason = reason.strip(". \n") or str(status)
        # The proxy has no engine, or a Swarm has no manager; the reason says what to do.
        if status == 503:
            raise EngineUnavailableError(f"The engine can't answer: {reason}.", status)
        raise EngineError(f"The engine refused: {reason}.", status)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """Return the JSON at a path."""
        return _parse(self.request("GET", path, query))

    def act(self, name: str, action: str, timeout: float | None = None, **query: object) -> None:
        """Perform an action of the API, such as `pause` or `kill`, on a container."""
        self.request("POST", f"/containers/{quote(name)}/{action}", query, timeout=timeout)

    def stop(self, name: str, grace: float | None = None, action: str = "stop") -> None:
        """Stop a container, and kill the rest after `grace` seconds or its own grace period.

        With the `action` restart, start it again: the engine completes this even if its client
        disconnects.
        """
        if grace is None:
            self.act(name, action, self._timeout + DEFAULT_GRACE_S)
        else:  # the engine counts whole seconds
            self.act(name, action, self._timeout + grace, t=int(grace))

    def start(self, name: str) -> None:
        """Start a container; harmless if it runs."""
        self.act(name, "start", max(MIN_START_TIMEOUT_S, self._timeout))


class _Connection(HTTPConnection):
    """A connection to a socket, or to a port at the first address that accepts it.

    `last` is the address to try last.
    """

    def __init__(self, host: str, timeout: float, last: str) -> None:
        self._socket = host.removeprefix(UNIX) if host.startswith(UNIX) else ""
        self._last = last
        self.address = ""
        url = urlsplit(host)
        super().__init__(url.hostname or "localhost", url.port, timeout=timeout)

    def connect(self) -> None:
        if self._socket:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._socket)
            return
        infos = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = sorted(dict.fromkeys(str(info[4][0]) for info in infos), key=self._last.__eq__)
        for address in addresses:
            self.address = address
            try:
                self.sock = socket.create_connection((address, self.port), self.timeout)
            except OSError:
                if address == addresses[-1]:
                    raise
            else:
                return


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EngineUnavailableError(
            f"The engine's response is not valid JSON ({error}): check DOCKER_HOST."
        ) from error


@dataclass(frozen=True, slots=True)
class ListedContainer:
    """A container as the engine lists it; `state` is such as `running` or `exited`."""

    id: str
    name: str
    service: str
    state: str


class Container(BaseModel):
    """A container of a service with the engine's `state` and `health`; `pid` is 0 if none runs."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    # Such as alertdrill-web-1.
    name: Annotated[str, AfterValidator(lambda name: name.lstrip("/"))] = Field(
        validation_alias="Name"
    )
    service: str = Field(validation_alias=AliasPath("Config", "Labels", SERVICE_LABEL))
    number: int = Field(validation_alias=AliasPath("Config", "Labels", f"{LABEL}.container-number"))
    heal: str = Field(default="", validation_alias=AliasPath("Config", "Labels", HEAL_LABEL))
    # The configuration and the image that it was created from.
    config_hash: str = Field(
        default="", validation_alias=AliasPath("Config", "Labels", f"{LABEL}.config-hash")
    )
    image: str = Field(default="", validation_alias="Image")
    state: str = Field(validation_alias=AliasPath("State", "Status"))
    health: str = Field(default="none", validation_alias=AliasPath("State", "Health", "Status"))
    pid: int = Field(validation_alias=AliasPath("State", "Pid"))
    exit_code: int = Field(default=0, validation_alias=AliasPath("State", "ExitCode"))
    # In year 1 if it never started.
    started: datetime = Field(validation_alias=AliasPath("State", "StartedAt"))

    @property
    def instance(self) -> str:
        """The instance's name, such as web-1."""
        return f"{self.service}-{self.number}"


class ProjectEngine(EngineClient):
    """The containers of one Compose project, without those of `docker compose run`."""

    def __init__(self, host: str, project: str, timeout: float = TIMEOUT_S) -> None:
        super().__init__(host, timeout)
        self._labels = [f"{LABEL}.project={project}", f"{LABEL}.oneoff=False"]

    def listed(self) -> Sequence[ListedContainer]:
        """Return every container, running or not."""
        filters = json.dumps({"label": self._labels})
        rows = self.get("/containers/json", {"all": 1, "filters": filters})
        return [
            ListedContainer(
                row["Id"], row["Names"][0].lstrip("/"), row["Labels"][SERVICE_LABEL], row["State"]
            )
            for row in rows
        ]

    def containers(self) -> list[Container]:
        """Return every container with its details, by service and number."""
        containers = []
        for container in self.listed():
            try:
                containers.append(Container.model_validate(self.inspect(container.name)))
            except EngineError as error:
                if error.status != 404:  # removed meanwhile
                    raise
        return sorted(containers, key=lambda container: (container.service, container.number))

    def running(self) -> list[Container]:
        """Return the running containers."""
        return [container for container in self.containers() if container.pid]

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return a container's details as the engine has them."""
        details: Mapping[str, Any] = self.get(f"/containers/{quote(name)}/json")
        return details

    def events(self, actions: Iterable[str], since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return the events of these actions between two times, in nanoseconds since 1970.

        The engine answers once `until` has passed.
        """
        filters = json.dumps({"label": self._labels, "event": list(actions)})
        times = [f"{at // NS_PER_SECOND}.{at % NS_PER_SECOND:09d}" for at in (since, until)]
        query = {"since": times[0], "until": times[1], "filters": filters}
        lines = self.request("GET", "/events", query)
        return [_parse(line) for line in lines.splitlines()]

    def stop_all(self, containers: Sequence[Container], grace: float | None = None) -> None:
        """Stop containers in parallel."""
        with ThreadPoolExecutor(max_workers=max(1, len(containers))) as pool:
            list(pool.map(lambda container: self.stop(container.name, grace), containers))

    def read(self, name: str, path: str) -> str | None:
        """Return the text of a file in a container, running or not; None if it does not exist."""
        try:
            packed = self.request("GET", f"/containers/{quote(name)}/archive", {"path": path})
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            [member] = archive.getmembers()
            file = archive.extractfile(member)
            return file.read().decode() if file else None
