from __future__ import annotations

import pytest
from click.testing import CliRunner

from alertdrill.cli import app, logs
from alertdrill.cli.logs import OptionError
from alertdrill.logs.query import Query
from alertdrill.logs.search import Search

NOW = 1795429230456


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("0s", NOW),
        ("90s", NOW - 90_000),
        ("10m", NOW - 600_000),
        ("2h", NOW - 7_200_000),
        ("1d", NOW - 86_400_000),
        ("1h30m", NOW - 5_400_000),
        ("99999d", 0),
        ("1y", NOW - 31_536_000_000),
        ("5ms", NOW - 5),
        ("2026-11-23T10:20:30.456Z", NOW),
        ("2026-11-23T11:20:30+01:00", NOW - 456),
        ("1950-01-01T00:00:00Z", 0),
    ],
)
def test_time_is_a_duration_ago_or_a_timestamp(value: str, moment: int) -> None:
    assert logs.parse_time("--since", value, NOW) == moment


@pytest.mark.parametrize(
    "value",
    [
        *("", "10", "m", "-5m", "5 m", "tomorrow", "1795429230", "9" * 5000 + "m"),
        *("2026-11-23", "2026-11-23T10:20:30", "2026-13-23T10:20:30Z", "10:20:30Z"),
    ],
)
def test_invalid_time_is_refused_with_its_option(value: str) -> None:
    with pytest.raises(OptionError, match=r"^--until is .*: use a duration such as 90s"):
        logs.parse_time("--until", value, NOW)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Search]:
    """Record the searches; none finds a line."""
    recorded: list[Search] = []

    def search_logs(_: object, search: Search, __: object) -> list[object]:
        recorded.append(search)
        return []

    monkeypatch.setattr(logs, "select_stack_runtime", lambda *_: None)
    monkeypatch.setattr(logs, "search_logs", search_logs)
    return recorded


def error_of(*arguments: str) -> str:
    result = CliRunner().invoke(app.main, ["logs", *arguments], env={"COLUMNS": "200"})
    return " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("option", "value", "query"),
    [
        ("--level", "warning", Query(level="WARNING")),
        ("--trace", "AB" * 16, Query(trace="ab" * 16)),
        ("--grep", "[a-z]* ü {{.}}", Query(text="[a-z]* ü {{.}}")),
    ],
)
def test_filter_ignores_case_and_takes_text_literally(
    searches: list[Search], option: str, value: str, query: Query
) -> None:
    error_of(option, value)
    assert [search.query for search in searches] == [query]


@pytest.mark.parametrize(
    ("option", "values", "message"),
    [
        ("--level", ["", "WARN", "UNKNOWN", "5"], "use one of DEBUG, INFO, WARNING"),
        ("--trace", ["", "ab", "g" * 32, "a" * 33, "00-" + "a" * 32], "use a line's trace_id"),
        ("--grep", ["", "a\nb", "\x1b[2J", "\udcff"], "use plain text"),
    ],
)
def test_invalid_filter_is_refused(
    searches: list[Search], option: str, values: list[str], message: str
) -> None:
    for value in values:
        error = error_of(option, value)
        assert error.startswith(f"✗ {option} is "), value
        assert message in error
    assert searches == []


@pytest.mark.parametrize("until", ["2m", "1m"])
def test_time_range_that_ends_before_it_starts_is_refused(
    searches: list[Search], until: str
) -> None:
    assert error_of("--since", "1m", "--until", until).startswith("✗ --until is not after --since")
    assert searches == []


def test_until_and_follow_exclude_each_other(searches: list[Search]) -> None:
    message = "✗ --until and --follow exclude each other"
    assert error_of("--follow", "--until", "1m").startswith(message)
    for accepted in (["-f", "--since", "1m"], ["--since", "2m", "--until", "1m"]):
        error_of(*accepted)
    assert len(searches) == 2
