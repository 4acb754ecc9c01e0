"""Access lines in the log files, read repeatedly because rotation drops old ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..runtimes import Runtime

# The services that a request of the audit passes through.
PATH_SERVICES = ("web", "data-service")
# The hops of a request. The load balancer logs it twice: in front of `web` and behind it.
HOPS = ("lb, public frontend", "lb, internal frontend", *PATH_SERVICES)
LOG_SERVICES = ("lb", *PATH_SERVICES)
HOP_BY_FRONTEND = {"public": HOPS[0], "internal": HOPS[1]}
# An instance may still write lines after the last request: a full pipe holds 2,000.
MAX_RECENT_LINES = 3000


@dataclass(frozen=True)
class AccessLine:
    """A request's access line: its hop, its id, and the load balancer's retries."""

    hop: str
    id: str
    retries: int = 0


class AccessLines:
    """The access lines in a stack's log files, of requests whose ids begin with a prefix.

    Files are bounded and drop their oldest lines, so read them often. The count of a line is the
    highest count that one reading saw.
    """

    def __init__(self, runtime: Runtime, mark: str) -> None:
        self._runtime = runtime
        self._mark = mark
        self._texts: Counter[tuple[str, int]] = Counter()
        self._sightings: dict[tuple[str, int], AccessLine | None] = {}

    def read(self) -> None:
        """Read the whole files."""
        self._read(LOG_SERVICES, None)

    def read_latest(self, services: Sequence[str] = LOG_SERVICES) -> None:
        """Read the most recent lines of services."""
        self._read(services, MAX_RECENT_LINES)

    def _read(self, services: Sequence[str], count: int | None) -> None:
        counts: Counter[tuple[str, int]] = Counter()
        for service in services:
            for instance, text in self._runtime.logs(service, count):
                key = (instance, hash(text))
                counts[key] += 1
                if key not in self._sightings:
                    self._sightings[key] = parse_access_line(text)
        self._texts |= counts

    def audit_counts(self) -> Mapping[str, Counter[str]]:
        """Return the count of each of the audit's ids, by hop."""
        seen: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
        for sighting, count in self._counted():
            if sighting.id.startswith(self._mark):
                seen[sighting.hop][sighting.id] += count
        return seen

    def other_counts(self) -> Counter[str]:
        """Return the number of lines of other requests, by hop."""
        seen: Counter[str] = Counter()
        for sighting, count in self._counted():
            if not sighting.id.startswith(self._mark):
                seen[sighting.hop] += count
        return seen

    def retries(self) -> Mapping[str, Counter[str]]:
        """Return the load balancer's retries of each id, by the receiving service."""
        behind = {HOPS[0]: "web", HOPS[1]: "data-service"}
        counts: dict[str, Counter[str]] = {hop: Counter() for hop in HOPS}
        for sighting, count in self._counted():
            if sighting.retries and sighting.hop in behind and sighting.id.startswith(self._mark):
                counts[behind[sighting.hop]][sighting.id] += sighting.retries * count
        return counts

    def _counted(self) -> list[tuple[AccessLine, int]]:
        return [
            (sighting, count)
            for key, count in self._texts.items()
            if (sighting := self._sightings[key])
        ]


def parse_access_line(text: str) -> AccessLine | None:
    """Parse a log line; return None unless it is the access line of a counted request."""
    try:
        fields = json.loads(text)
    except (
        ValueError,
        RecursionError,
    ):  # plain text, an incomplete line, or deeply nested brackets
        return None
    return access_line_from_fields(fields) if isinstance(fields, dict) else None


def access_line_from_fields(fields: Mapping[str, Any]) -> AccessLine | None:
    """Return the access line of a line's fields, as `parse_access_line` does."""
    if fields.get("logger") != "access":
        return None
    service, id_ = str(fields.get("service")), str(fields.get("request_id"))
    if service == "lb":
        hop = HOP_BY_FRONTEND.get(str(fields.get("frontend")))
        return AccessLine(hop, id_, _retries(fields.get("retries"))) if hop else None
    counted = service in PATH_SERVICES and fields.get("path") == "/process"
    return AccessLine(service, id_) if counted else None


def _retries(value: object) -> int:
    # HAProxy writes +1 if the retry went to another server.
    digits = str(value).lstrip("+")
    return int(digits) if digits.isdigit() else 0
