from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from alertdrill.logs import loki_source
from alertdrill.logs.loki_source import LokiSource
from alertdrill.logs.query import Query
from alertdrill.loki_client import LokiClient, LokiError, LokiLine

SECOND = 1_000_000_000
NOW = 1_795_429_230 * SECOND
ERROR = LokiError("Loki does not answer.")


def line(at: int, message: str = "", level: str = "INFO") -> LokiLine:
    return LokiLine(at, {"service": "web", "instance": "web-1", "level": level}, message or str(at))


class FakeLoki:
    """Has lines, and a clock; between two looks, the next act happens."""

    def __init__(self, *lines: LokiLine) -> None:
        self.lines = list(lines)
        self.asked: list[tuple[str, str, tuple[int, int]]] = []
        self.error: LokiError | None = None

    def _found(self, how: str, logql: str, span: tuple[int, int]) -> list[LokiLine]:
        self.asked.append((how, logql, span))
        if self.error:
            raise self.error
        level = "ERROR" if "ERROR" in logql else ""
        found = [
            one
            for one in self.lines
            if span[0] <= one.at < span[1] and level in one.fields["level"]
        ]
        return sorted(found, key=lambda one: one.at)

    def last(self, logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        return self._found("last", logql, span)[-limit:]

    def every(self, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        yield from self._found("every", logql, span)


@pytest.fixture
def loki(monkeypatch: pytest.MonkeyPatch) -> FakeLoki:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)
    return FakeLoki(*(line(NOW - number * SECOND) for number in range(3, 0, -1)))


def made(loki: FakeLoki, *said: list[str]) -> LokiSource:
    return LokiSource(cast(LokiClient, loki), (said[0] if said else []).append)


def messages(entries: Any) -> list[str]:
    return [entry.message for entry in entries]


def test_last_lines_are_in_order(loki: FakeLoki) -> None:
    assert messages(made(loki).last(Query(), 2)) == messages(loki.lines[1:])
    assert [how for how, *_ in loki.asked] == ["last"]


def test_many_lines_are_asked_page_by_page(loki: FakeLoki) -> None:
    assert messages(made(loki).last(Query(), 100_000)) == messages(loki.lines)
    assert messages(made(loki).last(Query(), None)) == messages(loki.lines)
    assert [how for how, *_ in loki.asked] == ["every", "every"]


def test_no_lines_ask_nothing(loki: FakeLoki) -> None:
    assert (list(made(loki).last(Query(), 0)), loki.asked) == ([], [])


def test_span_is_in_nanoseconds(loki: FakeLoki) -> None:
    list(made(loki).last(Query(since=5, until=7), None))
    list(made(loki).last(Query(), 1))
    begin = NOW // 1_000_000 - loki_source.MAX_RANGE_MS
    end = NOW // 1_000_000 + loki_source.MAX_CLOCK_SKEW_MS
    assert [span for *_, span in loki.asked] == [
        (begin * 1_000_000, begin * 1_000_000),
        (begin * 1_000_000, end * 1_000_000),
    ]


class Following:
    """A store that is followed: `look` takes lines in, and returns what is shown then."""

    def __init__(self, loki: FakeLoki, monkeypatch: pytest.MonkeyPatch, query: Query) -> None:
        self.loki, self.now, self.said = loki, NOW, list[str]()
        monkeypatch.setattr(time, "time_ns", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)
        self._groups = made(loki, self.said).follow(query, 2)

    def _sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def look(self, *lines: LokiLine) -> list[str]:
        self.loki.lines += lines
        return messages(next(self._groups))


@pytest.fixture
def following(loki: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> Following:
    return Following(loki, monkeypatch, Query())


def test_followed_lines_come_once(following: Following) -> None:
    assert following.look() == messages(following.loki.lines[1:])
    assert following.look() == []
    assert following.look(line(NOW, "new")) == ["new"]
    assert following.look() == []


def test_old_lines_are_no_news(following: Following) -> None:
    # The newest is a while ago, so looks go further back than ten seconds from now.
    following.loki.lines = [line(NOW - number * SECOND) for number in range(5, 30)]
    assert len(following.look()) == 2
    assert [following.look() for _ in range(5)] == [[]] * 5


def test_outage_before_the_start_misses_nothing(following: Following) -> None:
    following.loki.lines = [line(NOW - 60 * SECOND, "last before the outage")]
    assert following.look() == ["last before the outage"]
    assert following.look(line(NOW - 50 * SECOND, "held up")) == ["held up"]


def test_late_lines_are_not_missed(following: Following) -> None:
    following.look()
    assert following.look(line(NOW, "new")) == ["new"]
    assert following.look(line(NOW - 9 * SECOND, "late"), line(NOW, "same")) == ["late", "same"]


def test_line_that_comes_between_two_questions_is_shown(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = line(NOW, "between")
    last = following.loki.last

    def slow(logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        following.loki.lines.append(between)
        monkeypatch.setattr(following.loki, "last", last)
        return last(logql, span, limit)

    monkeypatch.setattr(following.loki, "last", slow)
    assert following.look()[-1] == "between"
    assert following.look() == []


def test_outage_is_told_once_and_misses_nothing(following: Following) -> None:
    following.look()
    following.loki.error = ERROR
    assert [following.look() for _ in range(100)] == [[]] * 100
    assert following.said == ["Loki does not answer. Waiting for it."]
    following.loki.error = None
    meanwhile = line(NOW + 5 * SECOND, "meanwhile")
    assert following.look(meanwhile, line(NOW + 100 * SECOND, "now")) == ["meanwhile", "now"]
    assert following.look(line(NOW + 6 * SECOND, "another's")) == ["another's"]
    following.loki.error = ERROR
    following.look()
    assert len(following.said) == 2


def test_rare_lines_do_not_widen_the_look(loki: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> None:
    following = Following(loki, monkeypatch, Query(level="ERROR"))
    assert following.look() == []
    for second in range(100):
        following.look(line(NOW + second * SECOND))
    [(_, _, (begin, _))] = [asked for asked in loki.asked if asked[0] == "every"][-1:]
    assert begin > NOW + 50 * SECOND
    assert following.look(line(NOW + 99 * SECOND, "bad", "ERROR")) == ["bad"]


def test_first_failure_is_the_callers(following: Following) -> None:
    following.loki.error = ERROR
    with pytest.raises(LokiError):
        following.look()
    assert following.said == []
