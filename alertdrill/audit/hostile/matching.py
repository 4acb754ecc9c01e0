"""Decide what explains a response or an access line. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ...config.service_values import LARGE
from ...runtimes.config_files import FRONTENDS
from .client import Outcome

# HAProxy's name of the server if it has chosen none.
NO_SERVER = "<NOSRV>"
PUBLIC, INTERNAL = FRONTENDS
# What HAProxy writes if it has not read the request.
UNKNOWN = "-"
# The first letter of HAProxy's `ended`, if the client went away or was too slow.
CLIENT_LEFT = "Cc"
SERVER_ERROR = 500


@dataclass(frozen=True)
class Line:
    """An access line; a service's has no frontend."""

    service: str
    id: str
    status: int
    client: str
    trace: str = ""
    frontend: str = ""
    backend: str = ""
    server: str = ""
    ended: str = "--"
    retries: int = 0

    @property
    def is_forwarded(self) -> bool:
        """Return whether the load balancer chose an instance."""
        return self.server not in ("", NO_SERVER)

    @property
    def client_left(self) -> bool:
        """Return whether the client ended the exchange before its response was complete."""
        return self.ended[0] in CLIENT_LEFT


def parse_line(text: str) -> Line | None:
    """Return an access line; None for another line. Raises an error if it is broken."""
    if '"logger":"access"' not in text:
        return None
    fields: dict[str, Any] = json.loads(text)
    retries = str(fields.get("retries", "")).lstrip("+")
    return Line(
        service=fields["service"],
        id="" if fields["request_id"] == UNKNOWN else fields["request_id"],
        trace=fields["trace_id"],
        status=int(fields["status"]),
        client=str(fields["client"]),
        frontend=fields.get("frontend", ""),
        backend=fields.get("backend", "").removesuffix(LARGE),
        server=fields.get("server", ""),
        ended=fields.get("ended") or "--",
        retries=int(retries) if retries.isdigit() else 0,
    )


def outcome_problem(outcome: Outcome) -> str:
    """Return what is wrong with what a client got; an empty text if nothing is."""
    if outcome.hangs:
        return "hang: no answer and no close"
    for response in outcome.responses:
        if response.status >= SERVER_ERROR:
            return f"response {response.status}"
        if response.of_operations:
            return "an operations endpoint of a service answered"
        if not response.complete:
            return f"response {response.status} is incomplete"
    return outcome.error


def request_problem(lines: Sequence[Line], services: Collection[str]) -> str:
    """Return what the lines of a request, with one id and one trace, do not explain.

    The load balancer has a line for each request, and the service to which it passed one has
    another, with the same status.
    """
    for line in lines:
        if line.status >= SERVER_ERROR and not line.client_left:
            return f"status {line.status} in a line of {line.service}"
    for service in services:
        passed = [line for line in lines if line.is_forwarded and line.backend == service]
        served = [line for line in lines if line.service == service]
        kept = [line for line in passed if not line.client_left]
        most = len(passed) + sum(line.retries for line in passed)
        if not len(kept) <= len(served) <= most:
            return f"{service} has {len(served)} lines, and the load balancer passed {len(kept)} on"
        missing = Counter(line.status for line in kept) - Counter(line.status for line in served)
        if missing:
            return f"{service} and the load balancer have other statuses: {sorted(missing)}"
    called = [line for line in lines if line.frontend == INTERNAL]
    callers = [line for line in lines if line.frontend == PUBLIC and line.is_forwarded]
    if called and not callers:
        return "a service has called another without a request"
    return ""


def connection_problem(outcome: Outcome | None, lines: Sequence[Line]) -> str:
    """Return what a connection's responses and lines do not explain; an empty text if nothing.

    Each response has a line with its status and its id, in the same order. A line without a
    response belongs to a client that left.
    """
    if outcome is None:
        return "lines without an outcome"
    if not outcome.input.data:  # HAProxy counts and answers it, and writes no line
        return ""
    responses = list(outcome.responses)
    # The client ends its side after the first response, though more than one may be due.
    is_unclear = not outcome.input.methods
    problems = []
    for line in lines:
        if responses and (responses[0].status, responses[0].id) == (line.status, line.id):
            responses.pop(0)
        elif not (line.client_left or outcome.left or (is_unclear and not line.is_forwarded)):
            problems.append(f"no response to a line with status {line.status}")
    problems += [f"no line of a response {response.status}" for response in responses]
    if outcome.rest:
        problems.append(f"received something that is no response: {outcome.rest[:80]!r}")
    if outcome.input.methods and not outcome.responses and not outcome.left:
        problems.append("a complete request without an answer")
    return "; ".join(problems)
