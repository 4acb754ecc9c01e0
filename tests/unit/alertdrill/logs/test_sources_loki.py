from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from alertdrill.clients.loki import Loki, LokiError, LokiLine
from alertdrill.logs import sources
from alertdrill.logs.query import Query
from alertdrill.logs.sources import LokiSource

SECOND = 1_000_000_000
NOW = 1_795_429_230 * SECOND
ERROR = LokiError("Loki does not answer.")


def line(at: int, message: str = "", level: str = "INFO") -> LokiLine:
    return LokiLine(at, {"service": "web", "instance": "web-1", "level": level}, message or str(at))


class FakeLoki:
    """A Loki with these lines; it records queries and fails with `error`."""

    def __init__(self, *lines: LokiLine) -> None:
        self.lines = list(lines)
        self.queries: list[tuple[str, str, tuple[int, int]]] = []
        self.error: LokiError | None = None

    def _select(self, method: str, logql: str, span: tuple[int, int]) -> list[LokiLine]:
        self.queries.append((method, logql, span))
        if self.error:
            raise self.error
        level = "ERROR" if "ERROR" in logql else ""
        matches = [
            candidate
            for candidate in self.lines
            if span[0] <= candidate.at < span[1] and level in candidate.fields["level"]
        ]
        return sorted(matches, key=lambda candidate: candidate.at)

    def last(self, logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        return self._select("last", logql, span)[-limit:]

    def every(self, logql: str, span: tuple[int, int]) -> Iterator[LokiLine]:
        yield from self._select("every", logql, span)


@pytest.fixture
def loki(monkeypatch: pytest.MonkeyPatch) -> FakeLoki:
    monkeypatch.setattr(time, "time_ns", lambda: NOW)
    return FakeLoki(*(line(NOW - number * SECOND) for number in range(3, 0, -1)))


def loki_source_of(loki: FakeLoki, *messages_shown: list[str]) -> LokiSource:
    return LokiSource(cast(Loki, loki), (messages_shown[0] if messages_shown else []).append)


def messages(records: Any) -> list[str]:
    return [record.message for record in records]


def test_last_lines_are_in_order(loki: FakeLoki) -> None:
    assert messages(loki_source_of(loki).last(Query(), 2)) == messages(loki.lines[1:])
    assert [method for method, *_ in loki.queries] == ["last"]


def test_many_lines_are_read_in_pages(loki: FakeLoki) -> None:
    assert messages(loki_source_of(loki).last(Query(), 100_000)) == messages(loki.lines)
    assert messages(loki_source_of(loki).last(Query(), None)) == messages(loki.lines)
    assert [method for method, *_ in loki.queries] == ["every", "every"]


def test_zero_lines_send_no_query(loki: FakeLoki) -> None:
    assert (list(loki_source_of(loki).last(Query(), 0)), loki.queries) == ([], [])


def test_time_range_is_sent_in_nanoseconds(loki: FakeLoki) -> None:
    list(loki_source_of(loki).last(Query(since=5, until=7), None))
    list(loki_source_of(loki).last(Query(), 1))
    begin = NOW // 1_000_000 - sources.MAX_RANGE_MS
    end = NOW // 1_000_000 + sources.MAX_CLOCK_SKEW_MS
    assert [span for *_, span in loki.queries] == [
        (begin * 1_000_000, begin * 1_000_000),
        (begin * 1_000_000, end * 1_000_000),
    ]


class FollowedLoki:
    """A followed Loki: `poll` adds lines and returns the messages shown next."""

    def __init__(self, loki: FakeLoki, monkeypatch: pytest.MonkeyPatch, query: Query) -> None:
        self.loki, self.now, self.messages_shown = loki, NOW, list[str]()
        monkeypatch.setattr(time, "time_ns", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)
        self._groups = loki_source_of(loki, self.messages_shown).follow(query, 2)

    def _sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def poll(self, *lines: LokiLine) -> list[str]:
        self.loki.lines += lines
        return messages(next(self._groups))


@pytest.fixture
def following(loki: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> FollowedLoki:
    return FollowedLoki(loki, monkeypatch, Query())


def test_followed_line_is_shown_once(following: FollowedLoki) -> None:
    assert following.poll() == messages(following.loki.lines[1:])
    assert following.poll() == []
    assert following.poll(line(NOW, "new")) == ["new"]
    assert following.poll() == []


def test_old_lines_are_not_shown_as_new(following: FollowedLoki) -> None:
    # The newest is a while ago, so looks go further back than ten seconds from now.
    following.loki.lines = [line(NOW - number * SECOND) for number in range(5, 30)]
    assert len(following.poll()) == 2
    assert [following.poll() for _ in range(5)] == [[]] * 5


def test_lines_delayed_by_an_earlier_outage_are_shown(following: FollowedLoki) -> None:
    following.loki.lines = [line(NOW - 60 * SECOND, "last before the outage")]
    assert following.poll() == ["last before the outage"]
    assert following.poll(line(NOW - 50 * SECOND, "delayed")) == ["delayed"]


def test_late_line_is_shown(following: FollowedLoki) -> None:
    following.poll()
    assert following.poll(line(NOW, "new")) == ["new"]
    assert following.poll(line(NOW - 9 * SECOND, "late"), line(NOW, "same")) == ["late", "same"]


def test_line_that_arrives_between_two_queries_is_shown_once(
    following: FollowedLoki, monkeypatch: pytest.MonkeyPatch
) -> None:
    between = line(NOW, "between")
    last = following.loki.last

    def slow(logql: str, span: tuple[int, int], limit: int) -> list[LokiLine]:
        following.loki.lines.append(between)
        monkeypatch.setattr(following.loki, "last", last)
        return last(logql, span, limit)

    monkeypatch.setattr(following.loki, "last", slow)
    assert following.poll()[-1] == "between"
    assert following.poll() == []


def test_outage_is_reported_once_and_its_lines_are_shown_later(following: FollowedLoki) -> None:
    following.poll()
    following.loki.error = ERROR
    assert [following.poll() for _ in range(100)] == [[]] * 100
    assert following.messages_shown == ["Loki does not answer. Waiting for it."]
    following.loki.error = None
    meanwhile = line(NOW + 5 * SECOND, "meanwhile")
    assert following.poll(meanwhile, line(NOW + 100 * SECOND, "now")) == ["meanwhile", "now"]
    assert following.poll(line(NOW + 6 * SECOND, "other instance")) == ["other instance"]
    following.loki.error = ERROR
    following.poll()
    assert len(following.messages_shown) == 2


def test_search_range_stays_short_with_rare_matches(
    loki: FakeLoki, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = FollowedLoki(loki, monkeypatch, Query(level="ERROR"))
    assert following.poll() == []
    for second in range(100):
        following.poll(line(NOW + second * SECOND))
    [(_, _, (begin, _))] = [query for query in loki.queries if query[0] == "every"][-1:]
    assert begin > NOW + 50 * SECOND
    assert following.poll(line(NOW + 99 * SECOND, "bad", "ERROR")) == ["bad"]


def test_failure_of_the_first_query_is_raised(following: FollowedLoki) -> None:
    following.loki.error = ERROR
    with pytest.raises(LokiError):
        following.poll()
    assert following.messages_shown == []
