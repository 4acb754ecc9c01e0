from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.loki import LokiLine

SECOND = 1_000_000_000
NOW = 1_795_429_230 * SECOND


def line(at: int, message: str = "", level: str = "INFO") -> LokiLine:
    return LokiLine(at, {"service": "web", "instance": "web-1", "level": level}, message or str(at))


class FakeLoki:
    """A Loki with these lines; it records queries and fails with `error`, from line `good` on."""

    def __init__(self, *lines: LokiLine) -> None:
        self.lines = list(lines)
        self.queries: list[tuple[str, str, tuple[int, int]]] = []
        self.error: UnreachableError | None = None
        self.good = 0

    def _select(self, method: str, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        self.queries.append((method, logql, span))
        level = "ERROR" if "ERROR" in logql else ""
        for number, candidate in enumerate(sorted(self.lines, key=lambda line: line.at)):
            if self.error and number >= self.good:
                raise self.error
            if span[0] <= candidate.at < span[1] and level in candidate.fields["level"]:
                yield candidate

    def last(self, logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        return list(self._select("last", logql, span))[-limit:]

    def every(self, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        return self._select("every", logql, span)


@pytest.fixture
def loki(monkeypatch: pytest.MonkeyPatch) -> FakeLoki:
    """Return a Loki with a line of each of the last three seconds; time stands still."""
    monkeypatch.setattr(time, "time_ns", lambda: NOW)
    return FakeLoki(*(line(NOW - number * SECOND) for number in range(3, 0, -1)))
