"""The access lines of the audit's requests, in the log files and in Loki or its fake."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..clients.http import UnreachableError, request
from ..clients.loki import Loki
from ..config.services import Service
from ..errors import AlertdrillError
from ..runtimes.base import StackRuntime

# The load balancer's frontends, in the order in which a request passes them.
FRONTENDS = ("public", "internal")
# The fake reads its whole file for each query: one or two seconds for a million lines.
TIMEOUT_S = 60.0
# Containers share the host's clock, so all lines have times within the run.
SECOND_NS = 10**9


class AuditError(AlertdrillError):
    """The audit could not complete; this says nothing about the counts."""


@dataclass(frozen=True)
class Route:
    """The request that the audit sends, and the services that it passes through, in order.

    The load balancer passes it to the first service at its public frontend, and to the second at
    its internal frontend. Each of these is a hop with an access line.
    """

    path: str
    body: Any
    services: tuple[str, ...]

    @cached_property
    def frontends(self) -> Mapping[str, str]:
        """Return the load balancer's hops, by frontend."""
        names = FRONTENDS[: len(self.services)]
        return {frontend: f"lb, {frontend} frontend" for frontend in names}

    @cached_property
    def hops(self) -> Sequence[str]:
        """Return the names of all hops."""
        return (*self.frontends.values(), *self.services)

    @cached_property
    def receivers(self) -> Mapping[str, str]:
        """Return the service that receives the request from each hop of the load balancer."""
        return dict(zip(self.frontends.values(), self.services, strict=True))

    def new_counts(self) -> dict[str, Counter[str]]:
        """Return a count of ids for each hop, all empty."""
        return {hop: Counter() for hop in self.hops}


def audit_route(services: Iterable[Service]) -> Route:
    """Return the route that `apps/services.yml` declares; raise `AuditError` without one."""
    for service in services:
        if service.audit and len(service.calls) < len(FRONTENDS):
            names = (service.name, *service.calls)
            return Route(service.audit.path, service.audit.body, names)
    raise AuditError(
        "no service of apps/services.yml has `audit`, the request to send, and calls one other"
        " service at most: docs/how-to/add-a-service.md explains these keys."
    )


@dataclass(frozen=True)
class AccessLine:
    """A request's access line: its hop, its id, and the load balancer's retries."""

    hop: str
    id: str
    retries: int = 0


class AccessLines:
    """The access lines in a stack's log files, of requests whose ids begin with `prefix`.

    Files are bounded and drop their oldest lines, so read them often. The count of a line is the
    highest count that one reading had.
    """

    def __init__(self, runtime: StackRuntime, route: Route, prefix: str) -> None:
        self._runtime = runtime
        self._route = route
        self._prefix = prefix
        self._counts: Counter[tuple[str, int]] = Counter()
        self._lines: dict[tuple[str, int], AccessLine | None] = {}

    def read(self, *services: str, count: int | None = None) -> None:
        """Read the last `count` lines of services, or all; without a service, those of all."""
        counts: Counter[tuple[str, int]] = Counter()
        for service in services or ("lb", *self._route.services):
            for instance, text in self._runtime.logs(service, count):
                key = (instance, hash(text))
                counts[key] += 1
                if key not in self._lines:
                    self._lines[key] = parse_access_line(text, self._route)
        self._counts |= counts

    def audit_counts(self) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids, by hop."""
        counts = self._route.new_counts()
        for line, count in self._counted(audited=True):
            counts[line.hop][line.id] += count
        return counts

    def other_counts(self) -> Counter[str]:
        """Return the number of lines of other requests, by hop."""
        counts: Counter[str] = Counter()
        for line, count in self._counted(audited=False):
            counts[line.hop] += count
        return counts

    def retries(self) -> Mapping[str, Counter[str]]:
        """Return the load balancer's retries of each id, by the hop that receives it."""
        counts = self._route.new_counts()
        for line, count in self._counted(audited=True):
            receiver = self._route.receivers.get(line.hop)
            if line.retries and receiver:
                counts[receiver][line.id] += line.retries * count
        return counts

    def _counted(self, *, audited: bool) -> Iterable[tuple[AccessLine, int]]:
        for key, count in self._counts.items():
            line = self._lines[key]
            if line and line.id.startswith(self._prefix) == audited:
                yield line, count


def parse_access_line(text: str, route: Route) -> AccessLine | None:
    """Parse a log line; return None unless it is the access line of a request on the route."""
    with suppress(ValueError, RecursionError):  # plain text, an incomplete line, nested brackets
        fields = json.loads(text)
        return access_line(fields, route) if isinstance(fields, dict) else None
    return None


def access_line(fields: Mapping[str, Any], route: Route) -> AccessLine | None:
    """Return the access line with these fields, as `parse_access_line` does."""
    if fields.get("logger") != "access":
        return None
    service, id_ = str(fields.get("service")), str(fields.get("request_id"))
    if service == "lb":
        hop = route.frontends.get(str(fields.get("frontend")))
        return AccessLine(hop, id_, _retries(fields.get("retries"))) if hop else None
    on_route = service in route.services and fields.get("path") == route.path
    return AccessLine(service, id_) if on_route else None


def _retries(value: object) -> int:
    # HAProxy writes +1 if the retry went to another server.
    digits = str(value).lstrip("+")
    return int(digits) if digits.isdigit() else 0


@dataclass(frozen=True)
class LogStore:
    """A store of the lines that the collector sends; `fetch` yields the fields of access lines.

    It gets the start of the run, in seconds since 1970.
    """

    name: str
    route: Route
    fetch: Callable[[float], Iterable[Mapping[str, Any]]]

    def count_ids(self, since: float) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids, by hop."""
        counts = self.route.new_counts()
        for fields in self.fetch(since):
            if line := access_line(fields, self.route):
                counts[line.hop][line.id] += 1
        return counts


def find_log_store(
    runtime: StackRuntime, running: Collection[str], route: Route, prefix: str
) -> LogStore | None:
    """Return the store that the collector sends to; None if either does not run."""
    if "collector" not in running:
        return None
    if "loki" in running:
        loki = Loki(runtime.address("loki"))
        return LogStore("Loki", route, lambda since: query_loki(loki, route, prefix, since))
    if "fake-loki" in running:
        url = runtime.address("loki")
        return LogStore("fake Loki", route, lambda _: query_fake_loki(url, prefix))
    return None


def query_loki(loki: Loki, route: Route, prefix: str, since: float) -> Iterator[Mapping[str, Any]]:
    """Yield the fields of the access lines whose request ids begin with `prefix`."""
    services = "|".join(("lb", *route.services))
    logql = f'{{service=~"{services}"}} | logger="access" | request_id=~"{prefix}-.*"'
    span = (int((since - 1) * SECOND_NS), int((time.time() + 1) * SECOND_NS))
    return (line.fields for line in loki.every(logql, span))


def query_fake_loki(url: str, prefix: str) -> Iterator[Mapping[str, Any]]:
    """Yield the fields of the lines whose request ids begin with `prefix`."""
    try:
        parameters = {"request_id": prefix}
        response = request("GET", f"{url}/lines", timeout=TIMEOUT_S, params=parameters)
    except UnreachableError as error:
        raise AuditError(f"the fake Loki does not respond ({error}): see its log") from error
    return map(json.loads, response.text.splitlines())
