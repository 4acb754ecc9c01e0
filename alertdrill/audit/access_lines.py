"""The access lines in the files, read several times because old ones may be rotated away."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..runtimes import Runtime

# The services that a request of the audit passes through.
PATH_SERVICES = ("web", "data-service")
# Where a request passes; the load balancer has it twice, in front of `web` and behind it.
HOPS = ("lb, public side", "lb, inner side", *PATH_SERVICES)
LOG_SERVICES = ("lb", *PATH_SERVICES)
HOP_BY_FRONTEND = {"public": HOPS[0], "internal": HOPS[1]}
# What an instance may still write once the last request is over: a full pipe holds 2,000 lines.
MAX_RECENT_LINES = 3000


@dataclass(frozen=True)
class AccessLine:
    """A request's access line: where, whose, and how often the load balancer sent it again."""

    hop: str
    id: str
    retries: int = 0


class AccessLines:
    """What the files of a stack have had of requests whose ids begin with a mark.

    Files are bounded and drop their oldest lines, so they must be read often enough. A line is
    there as often as the reading that had it most often.
    """

    def __init__(self, runtime: Runtime, mark: str) -> None:
        self._runtime = runtime
        self._mark = mark
        self._texts: Counter[tuple[str, int]] = Counter()
        self._sightings: dict[tuple[str, int], AccessLine | None] = {}

    def read(self) -> None:
        """Read all that the files have now."""
        self._read(LOG_SERVICES, None)

    def read_latest(self, services: Sequence[str] = LOG_SERVICES) -> None:
        """Read what came to the files of services a moment ago."""
        self._read(services, MAX_RECENT_LINES)

    def _read(self, services: Sequence[str], count: int | None) -> None:
        found: Counter[tuple[str, int]] = Counter()
        for service in services:
            for instance, text in self._runtime.logs(service, count):
                key = (instance, hash(text))
                found[key] += 1
                if key not in self._sightings:
                    self._sightings[key] = parse_access_line(text)
        self._texts |= found

    def audit_counts(self) -> Mapping[str, Counter[str]]:
        """Return how often each hop has each of our ids."""
        seen: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
        for one, count in self._counted():
            if one.id.startswith(self._mark):
                seen[one.hop][one.id] += count
        return seen

    def other_counts(self) -> Counter[str]:
        """Return how many lines each hop has of other requests that its counters count."""
        seen: Counter[str] = Counter()
        for one, count in self._counted():
            if not one.id.startswith(self._mark):
                seen[one.hop] += count
        return seen

    def retries(self) -> Mapping[str, Counter[str]]:
        """Return how often the load balancer sent each of our requests again, by who got it."""
        behind = {HOPS[0]: "web", HOPS[1]: "data-service"}
        found: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
        for one, count in self._counted():
            if one.retries and one.hop in behind and one.id.startswith(self._mark):
                found[behind[one.hop]][one.id] += one.retries * count
        return found

    def _counted(self) -> list[tuple[AccessLine, int]]:
        return [(one, count) for key, count in self._texts.items() if (one := self._sightings[key])]


def parse_access_line(text: str) -> AccessLine | None:
    """Return what a line of a log says; None unless it is the access line of a counted request."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):  # plain text, half a line, or a thousand brackets
        return None
    return access_line_from_fields(fields) if isinstance(fields, dict) else None


def access_line_from_fields(fields: Mapping[str, Any]) -> AccessLine | None:
    """Return what the fields of a line say, as `sighting` does."""
    if fields.get("logger") != "access":
        return None
    service, id_ = str(fields.get("service")), str(fields.get("request_id"))
    if service == "lb":
        hop = HOP_BY_FRONTEND.get(str(fields.get("frontend")))
        return AccessLine(hop, id_, _retries(fields.get("retries"))) if hop else None
    counted = service in PATH_SERVICES and fields.get("path") == "/process"
    return AccessLine(service, id_) if counted else None


def _retries(value: object) -> int:
    # HAProxy writes +1 where the second try went to another server.
    digits = str(value).lstrip("+")
    return int(digits) if digits.isdigit() else 0
