from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, cast

import pytest

from alertdrill.errors import AlertdrillError
from alertdrill.logs import search
from alertdrill.logs.query import Query
from alertdrill.logs.record import LogRecord
from alertdrill.logs.search import Origin, Search
from alertdrill.loki_client import LokiError
from alertdrill.runtimes import Instance, Runtime

ENTRIES = [LogRecord(number, f"line {number}", {"instance": "web-1"}) for number in range(3)]
ERROR = LokiError("Loki does not answer at http://127.0.0.1:3100: see `make status`.")


class FakeSource:
    """Has three lines, of which it may give `good` before it fails."""

    def __init__(self, name: str, good: int = 9) -> None:
        self.name, self.good = name, good
        self.asked: list[tuple[Query, int | None]] = []

    def last(self, query: Query, lines: int | None) -> Iterator[LogRecord]:
        self.asked.append((query, lines))
        return self._given()

    def follow(self, query: Query, lines: int | None) -> Iterator[Sequence[LogRecord]]:
        self.asked.append((query, lines))
        for entry in self._given():
            yield [entry]

    def _given(self) -> Iterator[LogRecord]:
        for number, entry in enumerate(ENTRIES):
            if number == self.good:
                raise ERROR
            yield entry


class World:
    """A stack of which `running` runs, and what is said while it is searched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running = ["web-1", "loki-1", "collector-1"]
        self.loki, self.files = FakeSource("loki"), FakeSource("files")
        self.said: list[str] = []
        monkeypatch.setattr(search, "LokiSource", lambda *_: self.loki)
        monkeypatch.setattr(search, "FileSource", lambda *_: self.files)

    def status(self) -> list[Instance]:
        return [
            Instance(name, name.rpartition("-")[0], "ready", 7, "127.0.0.1:1", 1.0)
            for name in self.running
        ]

    def address(self, part: str) -> str:
        return "http://127.0.0.1:1"

    def find(self, what: Search) -> list[LogRecord]:
        groups: Iterable[Iterable[LogRecord]] = search.search_logs(
            cast(Runtime, self), what, self.said.append
        )
        return list(chain.from_iterable(groups))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.mark.parametrize("follow", [False, True])
def test_loki_is_asked_where_it_runs(world: World, follow: bool) -> None:
    what = Search(Query(level="ERROR"), "web", lines=5, follow=follow)
    assert world.find(what) == ENTRIES
    assert world.said == ["from Loki"]
    assert world.loki.asked == [(Query({"service": "web"}, level="ERROR"), 5)]
    assert world.files.asked == []


def test_files_are_read_where_loki_is_not(world: World) -> None:
    world.running = ["web-1"]
    assert world.find(Search(Query())) == ENTRIES
    assert world.said == ["from the log files: Loki is not running"]
    assert world.loki.asked == []


@pytest.mark.parametrize("follow", [False, True])
def test_silent_loki_is_told_and_stood_in_for(world: World, follow: bool) -> None:
    world.loki.good = 0
    what = Search(Query(level="ERROR"), "web", lines=5, follow=follow)
    assert world.find(what) == ENTRIES
    assert world.said == [str(ERROR), "from the log files: Loki does not respond"]
    assert world.files.asked == [(Query(level="ERROR"), 5)]


def test_no_line_is_shown_from_both(world: World) -> None:
    world.loki.good = 2
    with pytest.raises(LokiError):
        world.find(Search(Query()))
    assert world.files.asked == []


def test_nothing_found_is_found_in_loki(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.loki, "last", lambda *_: [])
    assert world.find(Search(Query())) == []
    assert world.said == ["from Loki"]


@pytest.mark.parametrize(
    ("origin", "said"), [("files", "the log files: as requested"), ("loki", "Loki")]
)
def test_source_may_be_chosen(world: World, origin: Origin, said: str) -> None:
    assert world.find(Search(Query(), origin=origin)) == ENTRIES
    assert world.said == [f"from {said}"]


def test_chosen_loki_must_be_there(world: World) -> None:
    world.running = ["web-1"]
    with pytest.raises(AlertdrillError, match=r"^cannot search Loki: Loki is not running$"):
        world.find(Search(Query(), origin="loki"))
    world.running, world.loki.good = ["loki-1", "collector-1"], 0
    with pytest.raises(LokiError):
        world.find(Search(Query(), origin="loki"))


def test_search_is_put_as_logql(world: World) -> None:
    runtime: Any = world
    assert search.build_logql(runtime, Search(Query(), "web-1")) == '{instance="web-1"}'
