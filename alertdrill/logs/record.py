"""One line of the logs, wherever it comes from: its time, its text and its fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# What a line of no known level has for one: a foreign one, such as a traceback.
UNKNOWN = "UNKNOWN"
# What every line of the contract has, and what an access line has besides.
COMMON_FIELDS = (
    *("timestamp", "level", "logger", "message", "service", "instance", "version"),
    *("trace_id", "span_id", "request_id"),
)
ACCESS_FIELDS = ("method", "route", "path", "status", "duration_ms", "client")
EXCEPTION_FIELDS = ("type", "message", "stack")


@dataclass(frozen=True)
class LogRecord:
    """A line of the log contract, or a foreign one.

    `at` is in milliseconds since 1970; `fields` holds what is neither time nor message, one level
    deep and as text; `place` orders the lines of an instance that have the same time. The message
    of a foreign line is the whole line, its time is a neighbour's or that of its reading.
    """

    at: int
    message: str
    fields: Mapping[str, str]
    unstructured: bool = False
    position: int = 0

    @property
    def service(self) -> str:
        """Whose line it is."""
        return self.fields.get("service", "")

    @property
    def instance(self) -> str:
        """Which of the service's instances wrote it."""
        return self.fields.get("instance", "")

    @property
    def level(self) -> str:
        """Its level; `UNKNOWN` where it has none."""
        return self.fields.get("level", UNKNOWN)

    @property
    def timestamp(self) -> str | None:
        """Its own time, as it was written; a foreign line's is nobody's to know."""
        return None if self.unstructured else format_time(self.at)

    def ordered_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the names and texts of all fields: the contract's as it has them, then others."""
        known = [name for name in (*COMMON_FIELDS, *ACCESS_FIELDS) if name in self.fields]
        for name in (*known, *sorted(self.fields.keys() - known)):
            yield name, self.fields[name]

    def as_dict(self) -> dict[str, Any]:
        """Return the line as the contract has it; what is not in the contract is text."""
        values: dict[str, Any] = {name: self.fields.get(name) for name in COMMON_FIELDS}
        values |= {"timestamp": self.timestamp, "message": self.message, "level": self.level}
        is_access = self.fields.get("logger") == "access"
        values |= {
            name: _typed(name, self.fields.get(name))
            for name in ACCESS_FIELDS
            if is_access or name in self.fields
        }
        exception = {name: self.fields.get(f"exception_{name}") for name in EXCEPTION_FIELDS}
        if any(exception.values()):
            values["exception"] = exception
        told = {*values, *(f"exception_{name}" for name in EXCEPTION_FIELDS)}
        return values | {name: self.fields[name] for name in sorted(self.fields.keys() - told)}


def format_time(at: int) -> str:
    """Return milliseconds since 1970 as log lines have them."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def _typed(name: str, text: str | None) -> str | int | float | None:
    # Text where it is no number: then it is not of our making.
    if name == "status" and re.fullmatch(r"[0-9]{1,9}", text or ""):
        return int(text or "")
    if name == "duration_ms" and re.fullmatch(r"[0-9.]+(e[+-][0-9]+)?", text or ""):
        return float(text or "")
    return text
