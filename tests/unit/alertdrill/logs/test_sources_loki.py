from __future__ import annotations

import time
from typing import Any, cast

import pytest

from alertdrill.clients.http import UnreachableError
from alertdrill.clients.loki import Loki, LokiLine
from alertdrill.logs import sources
from alertdrill.logs.query import Query
from alertdrill.logs.record import LogRecord
from alertdrill.logs.sources import CATCH_UP_MS, MAX_LAG_MS, SECOND_MS, DedupWindow, LokiSource
from tests.unit.alertdrill.logs.conftest import NOW, SECOND, FakeLoki, line

ERROR = UnreachableError("Loki does not answer.")
LABELS = {"service": "web"}


def messages(records: Any) -> list[str]:
    return [record.message for record in records]


def read(loki: FakeLoki, lines: int | None, query: Query | None = None) -> list[str]:
    source = LokiSource(cast(Loki, loki), query or Query(), LABELS, lambda _: None)
    return [record.message for group in source.read(lines) for record in group]


def test_last_lines_are_in_order(loki: FakeLoki) -> None:
    assert read(loki, 2) == messages(loki.lines[1:])
    assert [(method, logql) for method, logql, _ in loki.queries] == [("last", '{service="web"}')]


@pytest.mark.parametrize("lines", [100_000, None])
def test_many_lines_are_read_in_pages(loki: FakeLoki, lines: int | None) -> None:
    assert read(loki, lines) == messages(loki.lines)
    assert [method for method, *_ in loki.queries] == ["every"]


def test_zero_lines_send_no_query(loki: FakeLoki) -> None:
    assert (read(loki, 0), loki.queries) == ([], [])


def test_time_range_is_sent_in_nanoseconds(loki: FakeLoki) -> None:
    read(loki, None, Query(since=5, until=7))
    read(loki, 1)
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
        source = LokiSource(cast(Loki, loki), query, LABELS, self.messages_shown.append)
        self._groups = source.follow(2)

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
    # Those of other instances arrive later.
    for number in range(CATCH_UP_MS // SECOND_MS - 1):
        late = line(NOW + 6 * SECOND + number, f"other {number}")
        assert following.poll(late) == [f"other {number}"]
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


def test_search_goes_back_to_the_newest_line_however_old(following: FollowedLoki) -> None:
    following.poll()
    assert [following.poll() for _ in range(100)] == [[]] * 100
    assert following.poll(line(NOW - 10 * SECOND, "delayed")) == ["delayed"]


def test_line_from_the_future_does_not_move_the_search_ahead(following: FollowedLoki) -> None:
    following.poll()
    assert following.poll(line(NOW + 300 * SECOND, "ahead")) == ["ahead"]
    for _ in range(CATCH_UP_MS // SECOND_MS + 2):
        late = line(following.now - 8 * SECOND, f"late {following.now}")
        assert following.poll(late) == [late.message]


def test_suspended_reader_shows_delayed_lines(following: FollowedLoki) -> None:
    following.poll()
    following.now += 600 * SECOND
    assert following.poll(line(following.now, "newest")) == ["newest"]
    assert following.poll(line(NOW + 1, "delayed")) == ["delayed"]


def test_memory_is_limited_to_the_window() -> None:
    window = DedupWindow(0)
    for now in range(0, 1000 * SECOND_MS, SECOND_MS):
        window.update(now, now)
        window.take_new([LogRecord(now, str(number), {}) for number in range(10)])
    assert len(window._shown) <= 10 * (MAX_LAG_MS + CATCH_UP_MS + 2 * SECOND_MS) / SECOND_MS


def test_failure_of_the_first_query_is_raised(following: FollowedLoki) -> None:
    following.loki.error = ERROR
    with pytest.raises(UnreachableError):
        following.poll()
    assert following.messages_shown == []
