"""The access lines of the audit's requests, in the log files and in Loki."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..config.services import Service
from ..errors import AlertdrillError
from ..logs.parse import parse_object
from ..runtimes.base import StackRuntime

# The load balancer's frontends, in the order in which a request passes them.
FRONTENDS = ("public", "internal")


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

    @property
    def hops(self) -> tuple[str, ...]:
        """Return the names of all hops."""
        return (*self.frontends.values(), *self.services)


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


def access_line(fields: Mapping[str, Any], route: Route) -> AccessLine | None:
    """Return the access line with these fields; None unless its request is on the route."""
    if fields.get("logger") != "access":
        return None
    service, id_ = str(fields.get("service")), str(fields.get("request_id"))
    if service != "lb":
        on_route = service in route.services and fields.get("path") == route.path
        return AccessLine(service, id_) if on_route else None
    hop = route.frontends.get(str(fields.get("frontend")))
    # HAProxy writes +1 if the retry went to another server.
    retries = str(fields.get("retries")).lstrip("+")
    return AccessLine(hop, id_, int(retries) if retries.isdigit() else 0) if hop else None


def count_ids(lines: Iterable[tuple[AccessLine, int]]) -> Mapping[str, Counter[str]]:
    """Return how often each id occurs, by hop; `lines` are pairs of a line and its count."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line, count in lines:
        counts[line.hop][line.id] += count
    return counts


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
                    self._lines[key] = access_line(parse_object(text) or {}, self._route)
        self._counts |= counts

    def audit_counts(self) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids, by hop."""
        return count_ids(self._counted(audited=True))

    def other_counts(self) -> Counter[str]:
        """Return the number of lines of other requests, by hop."""
        ids = count_ids(self._counted(audited=False))
        return Counter({hop: counts.total() for hop, counts in ids.items()})

    def retries(self) -> Mapping[str, Counter[str]]:
        """Return the load balancer's retries of each id, by the service that receives it."""
        receivers = dict(zip(self._route.frontends.values(), self._route.services, strict=True))
        return count_ids(
            (AccessLine(receivers[line.hop], line.id), line.retries * count)
            for line, count in self._counted(audited=True)
            if line.retries
        )

    def _counted(self, *, audited: bool) -> Iterator[tuple[AccessLine, int]]:
        for key, count in self._counts.items():
            line = self._lines[key]
            if line and line.id.startswith(self._prefix) == audited:
                yield line, count
