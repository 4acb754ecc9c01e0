from __future__ import annotations

from typing import Any

import pytest

from alertdrill.logs.query import Query
from alertdrill.logs.record import MARGIN
from alertdrill.logs.sources import read_files
from tests.unit.alertdrill.fake_runtime import FakeRuntime
from tests.unit.alertdrill.logs.lines import LINE, text


def line(second: int, message: str, **fields: Any) -> str:
    stamp = f"2026-11-23T10:20:{second:02d}.000Z"
    return text({**LINE, "timestamp": stamp, "message": message, **fields})


def fake_logs(stored: dict[str, list[str]], *later: list[tuple[str, str]]) -> FakeRuntime:
    """Return a runtime with stored log lines, and groups of lines that are added later."""
    runtime = FakeRuntime()
    runtime.lines, runtime.later = stored, later
    return runtime


STORED = {"web-1": [line(1, "a"), line(3, "c")], "web-2": [line(2, "b"), line(4, "d")]}


def last(
    runtime: FakeRuntime, query: Query, lines: int | None, target: str | None = None
) -> list[str]:
    [records] = read_files(runtime, target, query, lines, follow=False)
    return [record.message for record in records]


def follow(runtime: FakeRuntime, query: Query, lines: int | None) -> list[list[str]]:
    groups = read_files(runtime, None, query, lines, follow=True)
    return [[record.message for record in records] for records in groups]


def test_instances_are_merged_by_time() -> None:
    assert last(fake_logs(STORED), Query(), None) == ["a", "b", "c", "d"]


def test_last_lines_are_counted_over_all_instances() -> None:
    assert last(fake_logs(STORED), Query(), 3) == ["b", "c", "d"]
    assert last(fake_logs(STORED), Query(), 0) == []


def test_filtered_search_reads_every_stored_line() -> None:
    runtime = fake_logs(STORED)
    assert last(runtime, Query(since=0), 1, "web") == ["d"]
    assert runtime.calls == [("logs", "web", None)]


def test_search_without_filters_reads_the_last_lines_only() -> None:
    runtime = fake_logs(STORED)
    last(runtime, Query(), 5)
    last(runtime, Query(), 0)
    assert runtime.calls == [("logs", None, 5 + MARGIN), ("logs", None, 0)]


def test_unstructured_line_keeps_its_position() -> None:
    stored = {"web-1": [line(1, "a"), "Traceback", "  x", line(3, "c")], "web-2": [line(2, "b")]}
    assert last(fake_logs(stored), Query(), None) == ["a", "Traceback", "  x", "b", "c"]


@pytest.mark.parametrize(
    "foreign_line",
    [
        '{"time":"2026-11-23T10:20:02.5Z","msg":"up"}',
        '{"ts":"2026-11-23T11:20:02.500000001+01:00"}',
        '{"ts":1795429202.5}',
    ],
)
def test_unstructured_line_with_a_time_is_sorted_by_it(foreign_line: str) -> None:
    stored = {"prometheus-1": [foreign_line], "web-1": [line(2, "a"), line(3, "b")]}
    assert last(fake_logs(stored), Query(), None) == ["a", foreign_line, "b"]


@pytest.mark.parametrize(
    "foreign_line",
    ['{"time":"noon"}', '{"ts":[]}', '{"ts":1e308}', "{", "{}", '{"t":' + "[" * 10_000],
)
def test_unstructured_line_with_an_invalid_time_keeps_its_position(foreign_line: str) -> None:
    stored = {"web-1": [line(1, "a"), foreign_line, line(2, "b")]}
    assert last(fake_logs(stored), Query(), None) == ["a", foreign_line, "b"]


def test_followed_lines_are_sorted_within_a_group() -> None:
    group = [("web-1", line(6, "f")), ("web-2", line(5, "e"))]
    runtime = fake_logs(STORED, group, [], [("web-1", line(7, "g"))])
    assert follow(runtime, Query(), 1) == [["d"], ["e", "f"], [], ["g"]]


def test_followed_lines_are_filtered() -> None:
    group = [("web-1", line(5, "e", level="ERROR")), ("web-1", line(6, "f"))]
    assert follow(fake_logs(STORED, group), Query(level="ERROR"), None) == [[], ["e"]]


def test_unstructured_line_keeps_its_position_across_groups() -> None:
    groups = [
        [("web-1", "Traceback")],
        [("web-2", line(1, "b", instance="web-2")), ("web-1", "  x")],
    ]
    runtime = fake_logs({"web-1": [line(1, "a")]}, *groups)
    assert follow(runtime, Query(), None) == [["a"], ["Traceback"], ["  x", "b"]]
