"""Lines from a runtime's log files, or from its container engine."""

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

# The names of the time field in other programs' lines.
TIME_FIELDS = ("time", "ts", "t")


class FileSource:
    """The log files; implements `LogSource`."""

    def __init__(self, runtime: Runtime, target: str | None) -> None:
        self._runtime = runtime
        self._target = target

    def last(self, query: Query, lines: int | None) -> Iterable[LogRecord]:
        """Return the last `lines` matching lines, or all, in order."""
        read = LineReader(query)
        return last_records(
            read.passing(self._runtime.logs(self._target, _lines_per_instance(query, lines))), lines
        )

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        """Yield the last matching lines, then new ones, each group in order."""
        read = LineReader(query)
        groups = iter(self._runtime.follow(self._target, _lines_per_instance(query, lines)))
        yield last_records(read.passing(next(groups)), lines)
        for group in groups:
            yield sorted(read.passing(group), key=sort_key)


def _lines_per_instance(query: Query, lines: int | None) -> int | None:
    """Return how many lines of each instance to read; None is all."""
    return lines + MARGIN if lines and query.matches_all else 0 if lines == 0 else None


class LineReader:
    """Parses the lines of several instances, and filters them."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._numbers = count()
        # A line without a time gets that of the line before it.
        self._before: dict[str, int] = {}

    def passing(self, lines: Iterable[tuple[str, str]]) -> Iterator[LogRecord]:
        """Yield the matching lines; their position counts all lines read."""
        trace = self._query.trace or ""
        for instance, text in lines:
            # A line without the trace id cannot match: skip parsing it.
            if trace in text:
                entry = self._entry(instance, text)
                if self._query.matches(entry):
                    yield entry

    def _entry(self, instance: str, text: str) -> LogRecord:
        at = self._before.get(instance, 0)
        entry = parse_file_line(instance, text, at, next(self._numbers))
        if entry.unstructured and (timestamp := _time(text)) is not None:
            entry = parse_file_line(instance, text, timestamp, entry.position)
        self._before[instance] = entry.at
        return entry


def _time(text: str) -> int | None:
    """Return the time in an unstructured JSON line, in milliseconds since 1970."""
    if not text.startswith("{"):
        return None
    try:
        line = json.loads(text)
        [timestamp, *_] = [line[name] for name in TIME_FIELDS if name in line]
        seconds = (
            timestamp
            if isinstance(timestamp, float)
            else datetime.fromisoformat(timestamp).timestamp()
        )
        return round(seconds * 1000)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None
