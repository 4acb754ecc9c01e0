"""Keep what clients got and what lines say until both match; count all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .client import Outcome, input_number, source_address
from .matching import (
    PUBLIC,
    Line,
    connection_problem,
    outcome_problem,
    parse_line,
    request_problem,
)

# Lines arrive after the answers: they pass through the supervisor and its files.
SETTLE_S = 10.0

Key = TypeVar("Key")


@dataclass
class Group:
    """The lines of a request, or those of a client's address with its outcome."""

    since: float
    lines: list[Line] = field(default_factory=list)
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Finding:
    """What is wrong, and with which input: `number` is None if that is not known."""

    reason: str
    number: int | None = None
    lines: Sequence[Line] = ()


class Ledger:
    """Matches outcomes and lines; what matches is dropped, so that memory stays bounded.

    `services` are those behind the load balancer. `own_addresses` says that each input has another
    address in the lines; otherwise responses without an id are compared by count.
    """

    def __init__(self, services: Collection[str], own_addresses: bool) -> None:
        self._services = set(services)
        self._own_addresses = own_addresses
        self._requests: dict[tuple[str, str], Group] = {}
        self._connections: dict[str, Group] = {}
        # Without addresses: responses less lines without an id, by status.
        self._anonymous: Counter[int] = Counter()
        self.failures: list[Finding] = []
        # Of the load balancer by frontend, and of the services; also of other clients.
        self.line_counts: Counter[str] = Counter()
        self.outcomes = 0
        # Clients that ended their side of the connection before they had every response: HAProxy
        # may have counted a request of theirs without writing a line.
        self.left = 0
        # By kind and status; 0 is no response.
        self.responses: Counter[tuple[str, int]] = Counter()

    def forget_requests(self) -> None:
        """Drop everything: the lines of a request may have begun before the first that was read."""
        self._requests.clear()
        self._connections.clear()

    def add_line(self, text: str, now: float) -> None:
        """Take a line of a log file."""
        try:
            line = parse_line(text)
        except (ValueError, KeyError, TypeError):
            self.failures.append(Finding(f"a broken access line: {text[:500]}"))
            return
        if line is None or line.service not in (*self._services, "lb"):
            return
        self.line_counts[line.frontend or line.service] += 1
        if line.id:
            self._requests.setdefault((line.id, line.trace), Group(now)).lines.append(line)
        if line.frontend != PUBLIC:
            return
        if not self._own_addresses:
            self._anonymous[line.status] -= not line.id
        elif input_number(line.client) is not None:
            self._connections.setdefault(line.client, Group(now)).lines.append(line)

    def add_outcome(self, outcome: Outcome, now: float) -> None:
        """Take the outcome of an input."""
        self.outcomes += 1
        number, kind = outcome.input.number, outcome.input.kind
        for response in outcome.responses:
            self.responses[kind, response.status] += 1
            # HAProxy answers a client that sends nothing, and writes no line.
            self._anonymous[response.status] += bool(outcome.input.data and not response.id)
        self.left += outcome.left or not outcome.responses
        if not outcome.responses:
            self.responses[kind, 0] += 1
        if problem := outcome_problem(outcome):
            self.failures.append(Finding(problem, number))
        if self._own_addresses:
            group = self._connections.setdefault(source_address(number), Group(now))
            group.outcome, group.since = outcome, now

    def settle(self, now: float) -> int:
        """Drop what matches and is old enough; return how much of the old does not match."""
        return _drop(self._requests, self._request_problem, now) + _drop(
            self._connections, _connection_problem, now
        )

    def unexplained(self) -> Sequence[Finding]:
        """Return what does not match, with its input if that is known."""
        findings = [
            Finding(problem, _number(group), group.lines)
            for groups, reason in (
                (self._connections, _connection_problem),
                (self._requests, self._request_problem),
            )
            for group in groups.values()
            if (problem := reason(group))
        ]
        if not self._own_addresses:
            findings += [
                Finding(f"{count:+} responses {status} without an id than lines")
                for status, count in self._anonymous.items()
                if count
            ]
        return findings

    def _request_problem(self, group: Group) -> str:
        return request_problem(group.lines, self._services)


def _connection_problem(group: Group) -> str:
    return connection_problem(group.outcome, group.lines)


def _number(group: Group) -> int | None:
    if group.outcome is not None:
        return group.outcome.input.number
    numbers = (input_number(line.client) for line in group.lines if line.frontend == PUBLIC)
    return next((number for number in numbers if number is not None), None)


def _drop(groups: dict[Key, Group], problem: Callable[[Group], str], now: float) -> int:
    """Drop what matches and is old enough; return the number of old groups that do not match."""
    old = {key: group for key, group in groups.items() if now - group.since >= SETTLE_S}
    matching = {key: group for key, group in old.items() if not problem(group)}
    for key in matching:
        del groups[key]
    return len(old) - len(matching)
