"""What the restarter asks of the engine, by way of its proxy.

With the standard library alone: there are two restarters, and the engine's client takes 15 MiB more
in each. It also reads events without a time limit, so that a proxy that hangs would hang us too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ...errors import AlertdrillError
from .exit_events import ACTIONS, NANOSECONDS

# Above the restarter's window. The proxy's name has two addresses, and both may hang: together they
# stay below the ten seconds of the health check.
TIMEOUT_S = 4.0
# The engine starts a container within a second, on a host that is short of everything later.
START_TIMEOUT_S = 8.0


class UnavailableError(AlertdrillError):
    """The proxy or the engine behind it does not answer."""


class ContainerNotFoundError(AlertdrillError):
    """There is no such container any more."""


class ForbiddenError(AlertdrillError):
    """The proxy does not let it through."""


class EngineClient:
    """The engine at `host`, such as tcp://docker-proxy:2375, about one project."""

    def __init__(self, host: str, project: str) -> None:
        found = urlsplit(host)
        if found.scheme != "tcp" or not found.hostname or not found.port:
            raise AlertdrillError(f"DOCKER_HOST is {host!r}: set it to tcp://HOST:PORT.")
        self._address = (found.hostname, found.port)
        # One-off containers (`docker compose run`) belong to who runs them.
        labels = [f"com.docker.compose.project={project}", "com.docker.compose.oneoff=False"]
        self._filters = json.dumps({"label": labels, "event": ACTIONS})

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return all that happened between two moments, waiting until the later one is there."""
        query = {"since": _moment(since), "until": _moment(until), "filters": self._filters}
        told = self._request("GET", f"/events?{urlencode(query)}")
        return [_parsed(line) for line in told.splitlines()]

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return everything about a container; raise `ContainerNotFoundError` without one."""
        return _parsed(self._request("GET", f"/containers/{quote(name)}/json"))

    def start(self, name: str) -> None:
        """Start a container; harmless where it runs."""
        self._request("POST", f"/containers/{quote(name)}/start", START_TIMEOUT_S)

    def _request(self, method: str, target: str, timeout: float = TIMEOUT_S) -> bytes:
        connection = HTTPConnection(*self._address, timeout=timeout)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, HTTPException) as error:
            raise UnavailableError(f"{error or type(error).__name__}") from error
        finally:
            connection.close()
        if status < 400:
            return body
        raise _ERRORS.get(status, UnavailableError)(f"{status} {_reason(body)}")


_ERRORS: Mapping[int, type[AlertdrillError]] = {403: ForbiddenError, 404: ContainerNotFoundError}


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(text)
    except ValueError as error:
        raise UnavailableError(f"it does not speak the engine's language: {error}") from error
    return found


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return f"{seconds}.{rest:09d}"


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
