"""Lines from the log files of a runtime: an instance's own, or what its engine keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count

from ..runtimes import Runtime
from .ordering import MARGIN, last_records, sort_key
from .parse import parse_file_line
from .query import Query
from .record import LogRecord

# What the programs around our services call the time of a line.
TIME_FIELDS = ("time", "ts", "t")


class FileSource:
    """The log files; implements `Source`."""

    def __init__(self, runtime: Runtime, target: str | None) -> None:
        self._runtime = runtime
        self._target = target

    def last(self, query: Query, lines: int | None) -> Iterable[LogRecord]:
        """Return the last `lines` lines that pass, or all, in order."""
        read = LineReader(query)
        return last_records(
            read.passing(self._runtime.logs(self._target, _lines_per_instance(query, lines))), lines
        )

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last lines that pass, then what is added; each time in order."""
        read = LineReader(query)
        groups = iter(self._runtime.follow(self._target, _lines_per_instance(query, lines)))
        yield last_records(read.passing(next(groups)), lines)
        for group in groups:
            yield sorted(read.passing(group), key=sort_key)


def _lines_per_instance(query: Query, lines: int | None) -> int | None:
    """Return how many lines of each instance hold the last `lines` that pass."""
    return lines + MARGIN if lines and query.matches_all else 0 if lines == 0 else None


class LineReader:
    """Reads the lines of several instances, and keeps those that pass."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._numbers = count()
        # A line without a time of its own stands where it was written: after the one before.
        self._before: dict[str, int] = {}

    def passing(self, lines: Iterable[tuple[str, str]]) -> Iterator[LogRecord]:
        """Yield the lines that pass; their place is that among all that were read."""
        trace = self._query.trace or ""
        for instance, text in lines:
            # No line is of a trace that it does not name: most need not be understood.
            if trace in text:
                entry = self._entry(instance, text)
                if self._query.matches(entry):
                    yield entry

    def _entry(self, instance: str, text: str) -> LogRecord:
        at = self._before.get(instance, 0)
        entry = parse_file_line(instance, text, at, next(self._numbers))
        if entry.unstructured and (told := _time(text)) is not None:
            entry = parse_file_line(instance, text, told, entry.position)
        self._before[instance] = entry.at
        return entry


def _time(text: str) -> int | None:
    """Return the time that a foreign line tells by itself, in milliseconds since 1970."""
    if not text.startswith("{"):
        return None
    try:
        line = json.loads(text)
        [told, *_] = [line[name] for name in TIME_FIELDS if name in line]
        seconds = told if isinstance(told, float) else datetime.fromisoformat(told).timestamp()
        return round(seconds * 1000)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None
