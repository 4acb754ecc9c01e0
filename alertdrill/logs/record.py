"""A log line from any source: its time, its text, its fields and its place in the order."""

from __future__ import annotations

import heapq
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from ..config.services import SERVICES

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# The level of a line without one, such as an unstructured traceback.
UNKNOWN = "UNKNOWN"
# The fields of every structured line, and those of access lines.
COMMON_FIELDS = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id"),
)
ACCESS_FIELDS = ("method", "route", "path", "status", "duration_ms", "client")
EXCEPTION_FIELDS = ("type", "message", "stack")
# The form and the type of fields that are numbers.
NUMBERS: Mapping[str, tuple[str, type[int | float | str]]] = {
    "status": (r"[0-9]{1,9}", int),
    "duration_ms": (r"[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?", float),
}
# A caller writes its access line after the callee, but within a millisecond times are equal. The
# callers from the inside out: the internal load balancer, a service that calls others, the public
# load balancer.
LB_DEPTHS = {"internal": 0, "public": 2}
# Extra lines to read, so that the lines of one millisecond are complete before sorting: more than
# an instance writes in a millisecond.
MARGIN = 200


@dataclass(frozen=True)
class LogRecord:
    """A structured log line, or an unstructured one.

    `at` is in milliseconds since 1970. `fields` has all other fields, one level deep and as text.
    `position` orders an instance's lines of the same time. The message of an unstructured line is
    the whole line; its time is that of the line before it.
    """

    at: int
    message: str
    fields: Mapping[str, str]
    unstructured: bool = False
    position: int = 0

    @property
    def instance(self) -> str:
        """Return the instance that wrote the line."""
        return self.fields.get("instance", "")

    @property
    def level(self) -> str:
        """Return the level; `UNKNOWN` without one."""
        return self.fields.get("level", UNKNOWN)

    @property
    def is_access(self) -> bool:
        """Return whether it is the access line of a request."""
        return self.fields.get("logger") == "access"

    @property
    def timestamp(self) -> str | None:
        """Return the line's own time as text; None for an unstructured line."""
        return None if self.unstructured else format_time(self.at)

    def ordered_fields(self) -> Iterator[tuple[str, str]]:
        """Yield names and texts of all fields: the common ones in order, then the others."""
        contract = [name for name in (*COMMON_FIELDS, *ACCESS_FIELDS) if name in self.fields]
        for name in (*contract, *sorted(self.fields.keys() - contract)):
            yield name, self.fields[name]

    def as_dict(self) -> dict[str, Any]:
        """Return the line as a structured object; additional fields are text."""
        values: dict[str, Any] = {name: self.fields.get(name) for name in COMMON_FIELDS}
        values |= {"timestamp": self.timestamp, "message": self.message, "level": self.level}
        values |= {
            name: _typed(name, self.fields.get(name))
            for name in ACCESS_FIELDS
            if self.is_access or name in self.fields
        }
        exception = {name: self.fields.get(f"exception_{name}") for name in EXCEPTION_FIELDS}
        if any(exception.values()):
            values["exception"] = exception
        shown = {*values, *(f"exception_{name}" for name in EXCEPTION_FIELDS)}
        return values | {name: self.fields[name] for name in sorted(self.fields.keys() - shown)}


def format_time(at: int) -> str:
    """Return milliseconds since 1970 formatted as in log lines."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def _typed(name: str, text: str | None) -> str | int | float | None:
    # Text if it is not a number, which our services never write.
    form, number = NUMBERS.get(name, ("", str))
    return number(text) if text and re.fullmatch(form, text) else text


def sort_key(entry: LogRecord) -> tuple[int, int, str, bool, int]:
    """Return the sort key: time, then call depth, then the instance's order.

    An access line ends its request, so it follows the other lines of its millisecond: Loki returns
    lines of the same time in any order.
    """
    service = entry.fields.get("service", "")
    if service == "lb":
        depth = LB_DEPTHS.get(entry.fields.get("frontend", ""), -1)
    else:
        depth = 1 if service in SERVICES and SERVICES[service].calls else -1
    return entry.at, depth, entry.instance, entry.is_access, entry.position


def last_records(entries: Iterable[LogRecord], count: int | None) -> list[LogRecord]:
    """Return the last `count` records, or all, sorted; keeps at most `count` in memory."""
    if count is None:
        return sorted(entries, key=sort_key)
    if count == 0:
        deque(entries, 0)  # consumed, since following continues from there
    return heapq.nlargest(count, entries, key=sort_key)[::-1]


def group_by_time(entries: Iterable[LogRecord]) -> Iterator[list[LogRecord]]:
    """Sort records that arrive by time; yield one millisecond of them after another."""
    for _, same in groupby(entries, key=lambda entry: entry.at):
        yield sorted(same, key=sort_key)
