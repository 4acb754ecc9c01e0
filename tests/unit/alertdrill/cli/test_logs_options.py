from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from alertdrill.cli import app, logs
from alertdrill.errors import AlertdrillError
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
    with pytest.raises(AlertdrillError, match=r"^--until is .*: use a duration such as 90s"):
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


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app.main, ["logs", *arguments], env={"COLUMNS": "200"})


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
    run(option, value)
    assert [search.query for search in searches] == [query]


def with_values(option: str, message: str, *values: str) -> list[tuple[list[str], str]]:
    return [([option, value], f"{option} is {value!r}: {message}") for value in values]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *with_values("--since", "use a duration", "soon", "5"),
        *with_values("--until", "use a duration", "soon"),
        *with_values("--level", "use one of DEBUG, INFO", "", "WARN", "UNKNOWN", "5"),
        *with_values(
            *("--trace", "use a line's trace_id"),
            *("", "ab", "g" * 32, "a" * 33, "00-" + "a" * 32),
        ),
        *with_values("--grep", "use plain text", "", "a\nb", "\x1b[2J", "\udcff"),
        (["--since", "1m", "--until", "2m"], "--until is not after --since"),
        (["--since", "1m", "--until", "1m"], "--until is not after --since"),
        (["-f", "--until", "1m"], "--until and --follow exclude each other"),
    ],
)
def test_invalid_option_is_one_line(
    searches: list[Search], arguments: list[str], message: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, searches) == (1, "", [])
    assert " ".join(result.stderr.split()).startswith(f"✗ {message}")


@pytest.mark.parametrize(
    "arguments", [["-f", "--since", "1m"], ["--since", "2m", "--until", "1m"], ["-n", "0"]]
)
def test_valid_options_search(searches: list[Search], arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 0
    assert len(searches) == 1


@pytest.mark.parametrize("limit", [["--since", "2000d"], ["--until", "1s"], ["--trace", "a" * 32]])
def test_search_by_time_or_trace_is_not_limited(searches: list[Search], limit: list[str]) -> None:
    for arguments in (limit, [*limit, "-n", "5"], []):
        run(*arguments)
    assert [search.lines for search in searches] == [None, 5, logs.LAST]
