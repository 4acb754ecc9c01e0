"""Client of the Docker engine's API for the reconcile loop, through the proxy.

It uses the standard library only: the docker client reads events without a timeout, so that a
hanging proxy would block the loop.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..errors import AlertdrillError

NS_PER_SECOND = 1_000_000_000
# Above the loop's window. The proxy's name has two addresses, and both may hang: together they stay
# below the ten seconds of the health check.
TIMEOUT_S = 4.0
# The engine starts a container within a second, and later on a busy host.
START_TIMEOUT_S = 8.0


class EngineUnavailableError(AlertdrillError):
    """The proxy or the engine behind it does not answer."""


class ContainerNotFoundError(AlertdrillError):
    """The container no longer exists."""


class ForbiddenError(AlertdrillError):
    """The proxy forbids the request."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of the project; `state` is the engine's, such as `running` or `exited`."""

    id: str
    name: str
    state: str


class EngineClient:
    """The engine at `host`, such as tcp://docker-proxy:2375, for one project."""

    def __init__(self, host: str, project: str) -> None:
        url = urlsplit(host)
        if url.scheme != "tcp" or not url.hostname or not url.port:
            raise AlertdrillError(f"DOCKER_HOST is {host!r}: set it to tcp://HOST:PORT.")
        self._address = (url.hostname, url.port)
        # Without one-off containers (`docker compose run`).
        self._labels = [
            f"com.docker.compose.project={project}",
            "com.docker.compose.oneoff=False",
        ]

    def containers(self) -> Sequence[Container]:
        """Return every container of the project, running or not."""
        filters = json.dumps({"label": self._labels})
        rows = _parse(
            self._request("GET", f"/containers/json?{urlencode({'all': 1, 'filters': filters})}")
        )
        return [Container(row["Id"], row["Names"][0].lstrip("/"), row["State"]) for row in rows]

    def events(self, actions: Iterable[str], since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return the events of these actions between two times, in nanoseconds since 1970.

        The engine answers once `until` has passed.
        """
        filters = json.dumps({"label": self._labels, "event": list(actions)})
        query = {"since": _format_time(since), "until": _format_time(until), "filters": filters}
        lines = self._request("GET", f"/events?{urlencode(query)}")
        return [_parse(line) for line in lines.splitlines()]

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return a container's details; raise `ContainerNotFoundError` if it is gone."""
        details: Mapping[str, Any] = _parse(self._request("GET", f"/containers/{quote(name)}/json"))
        return details

    def start(self, name: str) -> None:
        """Start a container; harmless if it runs."""
        self._request("POST", f"/containers/{quote(name)}/start", START_TIMEOUT_S)

    def _request(self, method: str, target: str, timeout: float = TIMEOUT_S) -> bytes:
        connection = HTTPConnection(*self._address, timeout=timeout)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, HTTPException) as error:
            raise EngineUnavailableError(f"{error or type(error).__name__}") from error
        finally:
            connection.close()
        if status < 400:
            return body
        raise _ERRORS.get(status, EngineUnavailableError)(f"{status} {_reason(body)}")


_ERRORS: Mapping[int, type[AlertdrillError]] = {403: ForbiddenError, 404: ContainerNotFoundError}


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise EngineUnavailableError(f"the response is not valid JSON: {error}") from error


def _format_time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, NS_PER_SECOND)
    return f"{seconds}.{rest:09d}"


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
