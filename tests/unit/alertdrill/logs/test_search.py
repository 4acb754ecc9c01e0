from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import get_args

import pytest

from alertdrill.clients.loki import LokiError
from alertdrill.errors import AlertdrillError
from alertdrill.logs import search
from alertdrill.logs.query import Query
from alertdrill.logs.record import LogRecord
from alertdrill.logs.search import Origin, Search, reason_for_files, target_labels
from alertdrill.runtimes.base import Instance, State
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

RECORDS = [LogRecord(number, f"line {number}", {"instance": "web-1"}) for number in range(3)]
WEB, LOKI, COLLECTOR = instance("web-1"), instance("loki-1"), instance("collector-1")
ALL = [WEB, LOKI, COLLECTOR]
ERROR = LokiError("Loki does not answer at http://127.0.0.1:3100: see `make status`.")


class FakeSource:
    """A source with three lines that fails after `good` lines."""

    def __init__(self, name: str, good: int = 9) -> None:
        self.name, self.good = name, good
        self.queries: list[tuple[Query, int | None]] = []

    def last(self, query: Query, lines: int | None) -> Iterator[LogRecord]:
        self.queries.append((query, lines))
        return self._records()

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        self.queries.append((query, lines))
        for record in self._records():
            yield [record]

    def _records(self) -> Iterator[LogRecord]:
        for number, record in enumerate(RECORDS):
            if number == self.good:
                raise ERROR
            yield record


class SearchedStack(FakeRuntime):
    """A stack with running instances; it records the messages of a search."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.running = ALL
        self.loki, self.files = FakeSource("loki"), FakeSource("files")
        self.messages: list[str] = []
        monkeypatch.setattr(search, "LokiSource", lambda *_: self.loki)
        monkeypatch.setattr(search, "FileSource", lambda *_: self.files)

    def find(self, options: Search) -> list[LogRecord]:
        groups: Iterable[Iterable[LogRecord]] = search.search_logs(
            self, options, self.messages.append
        )
        return list(chain.from_iterable(groups))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> SearchedStack:
    return SearchedStack(monkeypatch)


@pytest.mark.parametrize("follow", [False, True])
def test_search_uses_loki_if_it_runs(stack: SearchedStack, follow: bool) -> None:
    options = Search(Query(level="ERROR"), "web", lines=5, follow=follow)
    assert stack.find(options) == RECORDS
    assert stack.messages == ["from Loki"]
    assert stack.loki.queries == [(Query({"service": "web"}, level="ERROR"), 5)]
    assert stack.files.queries == []


def test_search_reads_files_without_loki(stack: SearchedStack) -> None:
    stack.running = [WEB]
    assert stack.find(Search(Query())) == RECORDS
    assert stack.messages == ["from the log files: Loki is not running"]
    assert stack.loki.queries == []


@pytest.mark.parametrize("follow", [False, True])
def test_search_reports_a_failing_loki_and_reads_files(stack: SearchedStack, follow: bool) -> None:
    stack.loki.good = 0
    options = Search(Query(level="ERROR"), "web", lines=5, follow=follow)
    assert stack.find(options) == RECORDS
    assert stack.messages == [str(ERROR), "from the log files: Loki does not respond"]
    assert stack.files.queries == [(Query(level="ERROR"), 5)]


def test_search_does_not_switch_to_files_after_lines_from_loki(stack: SearchedStack) -> None:
    stack.loki.good = 2
    with pytest.raises(LokiError):
        stack.find(Search(Query()))
    assert stack.files.queries == []


def test_empty_result_of_loki_is_final(
    stack: SearchedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack.loki, "last", lambda *_: [])
    assert stack.find(Search(Query())) == []
    assert stack.messages == ["from Loki"]


@pytest.mark.parametrize(
    ("origin", "messages"), [("files", "the log files: as requested"), ("loki", "Loki")]
)
def test_chosen_source_is_used(stack: SearchedStack, origin: Origin, messages: str) -> None:
    assert stack.find(Search(Query(), origin=origin)) == RECORDS
    assert stack.messages == [f"from {messages}"]


def test_chosen_loki_that_is_missing_is_an_error(stack: SearchedStack) -> None:
    stack.running = [WEB]
    with pytest.raises(AlertdrillError, match=r"^cannot search Loki: Loki is not running$"):
        stack.find(Search(Query(), origin="loki"))
    stack.running, stack.loki.good = [LOKI, COLLECTOR], 0
    with pytest.raises(LokiError):
        stack.find(Search(Query(), origin="loki"))


def test_search_builds_logql_with_its_target(stack: SearchedStack) -> None:
    assert search.build_logql(stack, Search(Query(), "web-1")) == '{instance="web-1"}'


@pytest.mark.parametrize("target", [None, "web", "web-1", "loki"])
def test_loki_is_used_if_loki_and_collector_run(target: str | None) -> None:
    assert reason_for_files(ALL, target) is None


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([], "Loki is not running"),
        ([WEB, COLLECTOR], "Loki is not running"),
        ([WEB, LOKI], "the collector is not running"),
        ([LOKI, instance("collector-1", state="stopped")], "the collector is not running"),
        ([instance("loki-1", state="paused"), COLLECTOR], "Loki is paused"),
        ([LOKI, instance("collector-1", state="unready")], "the collector is unready"),
    ],
)
def test_files_are_used_with_a_reason(instances: list[Instance], reason: str) -> None:
    assert reason_for_files(instances, None) == reason


@pytest.mark.parametrize("state", sorted({*get_args(State)} - {"ready"}))
def test_files_are_used_in_any_state_but_ready(state: State) -> None:
    assert reason_for_files([instance("loki-1", state=state), COLLECTOR], None)


@pytest.mark.parametrize("target", ["collector", "collector-1"])
def test_files_are_used_for_the_collectors_own_lines(target: str) -> None:
    assert reason_for_files(ALL, target) == "the collector does not send its own lines to Loki"


def test_unknown_target_is_not_running() -> None:
    assert reason_for_files(ALL, "unknown") == "unknown is not running"


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (None, {}),
        ("web", {"service": "web"}),
        ("web-1", {"instance": "web-1"}),
        ("web-2", {}),
    ],
)
def test_target_becomes_a_label_matcher(target: str | None, labels: dict[str, str]) -> None:
    assert target_labels(ALL, target) == labels
