"""Lines from the log files of a runtime: an instance's own, or what its engine keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count

from ..runtimes import Runtime
from .contract import of_file
from .entry import Entry
from .merge import MARGIN, last, order
from .query import Query

# What the programs around our services call the time of a line.
TIMES = ("time", "ts", "t")


class Files:
    """The log files; implements `Source`."""

    def __init__(self, runtime: Runtime, target: str | None) -> None:
        self._runtime = runtime
        self._target = target

    def last(self, query: Query, lines: int | None) -> Iterable[Entry]:
        """Return the last `lines` lines that pass, or all, in order."""
        read = Reader(query)
        return last(read.passing(self._runtime.logs(self._target, _each(query, lines))), lines)

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[Entry]]:
        """Yield the last lines that pass, then what is added; each time in order."""
        read = Reader(query)
        groups = iter(self._runtime.follow(self._target, _each(query, lines)))
        yield last(read.passing(next(groups)), lines)
        for group in groups:
            yield sorted(read.passing(group), key=order)


def _each(query: Query, lines: int | None) -> int | None:
    """Return how many lines of each instance hold the last `lines` that pass."""
    return lines + MARGIN if lines and query.plain else 0 if lines == 0 else None


class Reader:
    """Reads the lines of several instances, and keeps those that pass."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._numbers = count()
        # A line without a time of its own stands where it was written: after the one before.
        self._before: dict[str, int] = {}

    def passing(self, lines: Iterable[tuple[str, str]]) -> Iterator[Entry]:
        """Yield the lines that pass; their place is that among all that were read."""
        trace = self._query.trace or ""
        for instance, text in lines:
            # No line is of a trace that it does not name: most need not be understood.
            if trace in text:
                entry = self._entry(instance, text)
                if self._query.matches(entry):
                    yield entry

    def _entry(self, instance: str, text: str) -> Entry:
        at = self._before.get(instance, 0)
        entry = of_file(instance, text, at, next(self._numbers))
        if entry.foreign and (told := _time(text)) is not None:
            entry = of_file(instance, text, told, entry.place)
        self._before[instance] = entry.at
        return entry


def _time(text: str) -> int | None:
    """Return the time that a foreign line tells by itself, in milliseconds since 1970."""
    if not text.startswith("{"):
        return None
    try:
        line = json.loads(text)
        [told, *_] = [line[name] for name in TIMES if name in line]
        seconds = told if isinstance(told, float) else datetime.fromisoformat(told).timestamp()
        return round(seconds * 1000)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None
