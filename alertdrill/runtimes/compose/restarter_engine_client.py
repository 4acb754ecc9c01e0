"""The restarter's client of the engine, through the proxy.

It uses the standard library only: the docker client would take 15 MiB more in each of the two
restarters, and reads events without a timeout, so that a hanging proxy would block it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ...errors import AlertdrillError
from .exit_events import ACTIONS, NS_PER_SECOND

# Above the restarter's window. The proxy's name has two addresses, and both may hang: together
# they stay below the ten seconds of the health check.
TIMEOUT_S = 4.0
# The engine starts a container within a second, and later on a busy host.
START_TIMEOUT_S = 8.0


class UnavailableError(AlertdrillError):
    """The proxy or the engine behind it does not answer."""


class ContainerNotFoundError(AlertdrillError):
    """The container no longer exists."""


class ForbiddenError(AlertdrillError):
    """The proxy forbids the request."""


class EngineClient:
    """The engine at `host`, such as tcp://docker-proxy:2375, for one project."""

    def __init__(self, host: str, project: str) -> None:
        url = urlsplit(host)
        if url.scheme != "tcp" or not url.hostname or not url.port:
            raise AlertdrillError(f"DOCKER_HOST is {host!r}: set it to tcp://HOST:PORT.")
        self._address = (url.hostname, url.port)
        # One-off containers (`docker compose run`) are not restarted.
        labels = [f"com.docker.compose.project={project}", "com.docker.compose.oneoff=False"]
        self._filters = json.dumps({"label": labels, "event": ACTIONS})

    def events(self, since: int, until: int) -> Sequence[Mapping[str, Any]]:
        """Return the events between two times; wait until `until` has passed."""
        query = {
            "since": _format_time(since),
            "until": _format_time(until),
            "filters": self._filters,
        }
        lines = self._request("GET", f"/events?{urlencode(query)}")
        return [_parse(line) for line in lines.splitlines()]

    def inspect(self, name: str) -> Mapping[str, Any]:
        """Return a container's details; raise `ContainerNotFoundError` if it is gone."""
        return _parse(self._request("GET", f"/containers/{quote(name)}/json"))

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
            raise UnavailableError(f"{error or type(error).__name__}") from error
        finally:
            connection.close()
        if status < 400:
            return body
        raise _ERRORS.get(status, UnavailableError)(f"{status} {_reason(body)}")


_ERRORS: Mapping[int, type[AlertdrillError]] = {403: ForbiddenError, 404: ContainerNotFoundError}


def _parse(text: bytes) -> Mapping[str, Any]:
    try:
        details: Mapping[str, Any] = json.loads(text)
    except ValueError as error:
        raise UnavailableError(f"the response is not valid JSON: {error}") from error
    return details


def _format_time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, NS_PER_SECOND)
    return f"{seconds}.{rest:09d}"


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
