from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, cast

import pytest

from alertdrill.logs import ordering
from alertdrill.logs.file_source import FileSource
from alertdrill.logs.query import Query
from alertdrill.runtimes import Runtime
from tests.unit.alertdrill.logs.lines import LINE, TRACE, text


def line(second: int, message: str, **more: Any) -> str:
    stamp = f"2026-11-23T10:20:{second:02d}.000Z"
    return text({**LINE, "timestamp": stamp, "message": message, **more})


class FakeLogs:
    """A runtime with log lines: those that are kept, and groups that are added."""

    def __init__(self, kept: dict[str, list[str]], *added: list[tuple[str, str]]) -> None:
        self.kept, self.added = kept, added
        self.asked: list[tuple[str | None, int | None]] = []

    def logs(self, target: str | None, lines: int | None) -> Iterator[tuple[str, str]]:
        self.asked.append((target, lines))
        for instance, kept in self.kept.items():
            for one in kept if lines is None else kept[len(kept) - min(lines, len(kept)) :]:
                yield instance, one

    def follow(self, target: str | None, lines: int | None) -> Iterator[Iterable[tuple[str, str]]]:
        yield self.logs(target, lines)
        yield from self.added


KEPT = {"web-1": [line(1, "a"), line(3, "c")], "web-2": [line(2, "b"), line(4, "d")]}


def files(runtime: FakeLogs, target: str | None = None) -> FileSource:
    return FileSource(cast(Runtime, runtime), target)


def messages(entries: Iterable[Any]) -> list[str]:
    return [entry.message for entry in entries]


def test_instances_are_merged_by_time() -> None:
    assert messages(files(FakeLogs(KEPT)).last(Query(), None)) == ["a", "b", "c", "d"]


def test_last_lines_are_of_all_together() -> None:
    assert messages(files(FakeLogs(KEPT)).last(Query(), 3)) == ["b", "c", "d"]
    assert messages(files(FakeLogs(KEPT)).last(Query(), 0)) == []


def test_filtered_search_reads_all_that_is_kept() -> None:
    runtime = FakeLogs(KEPT)
    assert messages(files(runtime, "web").last(Query(since=0), 1)) == ["d"]
    assert runtime.asked == [("web", None)]


def test_plain_search_reads_ends_only() -> None:
    runtime = FakeLogs(KEPT)
    list(files(runtime).last(Query(), 5))
    list(files(runtime).last(Query(), 0))
    assert runtime.asked == [(None, 5 + ordering.MARGIN), (None, 0)]


def test_trace_finds_its_lines_alone() -> None:
    kept = [line(1, "a"), line(2, f"names {TRACE}"), line(3, "c", trace_id=TRACE), "Traceback"]
    assert messages(files(FakeLogs({"web-1": kept})).last(Query(trace=TRACE), None)) == ["c"]


def test_foreign_line_stands_where_it_was_written() -> None:
    kept = {"web-1": [line(1, "a"), "Traceback", "  x", line(3, "c")], "web-2": [line(2, "b")]}
    assert messages(files(FakeLogs(kept)).last(Query(), None)) == [
        "a",
        "Traceback",
        "  x",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    "told",
    [
        '{"time":"2026-11-23T10:20:02.5Z","msg":"up"}',
        '{"ts":"2026-11-23T11:20:02.500000001+01:00"}',
        '{"ts":1795429202.5}',
    ],
)
def test_foreign_line_may_tell_its_time(told: str) -> None:
    kept = {"prometheus-1": [told], "web-1": [line(2, "a"), line(3, "b")]}
    assert messages(files(FakeLogs(kept)).last(Query(), None)) == ["a", told, "b"]


@pytest.mark.parametrize(
    "told", ['{"time":"noon"}', '{"ts":[]}', '{"ts":1e308}', "{", "{}", '{"t":' + "[" * 10_000]
)
def test_strange_time_is_none(told: str) -> None:
    kept = {"web-1": [line(1, "a"), told, line(2, "b")]}
    assert messages(files(FakeLogs(kept)).last(Query(), None)) == ["a", told, "b"]


def test_followed_lines_come_in_groups() -> None:
    group = [("web-1", line(6, "f")), ("web-2", line(5, "e"))]
    found = files(FakeLogs(KEPT, group, [], [("web-1", line(7, "g"))])).follow(Query(), 1)
    assert [messages(entries) for entries in found] == [["d"], ["e", "f"], [], ["g"]]


def test_followed_lines_are_filtered() -> None:
    group = [("web-1", line(5, "e", level="ERROR")), ("web-1", line(6, "f"))]
    found = files(FakeLogs(KEPT, group)).follow(Query(level="ERROR"), None)
    assert [messages(entries) for entries in found] == [[], ["e"]]


def test_order_goes_on_from_group_to_group() -> None:
    groups = [
        [("web-1", "Traceback")],
        [("web-2", line(1, "b", instance="web-2")), ("web-1", "  x")],
    ]
    found = files(FakeLogs({"web-1": [line(1, "a")]}, *groups)).follow(Query(), None)
    shown = list(itertools.chain.from_iterable(found))
    assert messages(shown) == ["a", "Traceback", "  x", "b"]
