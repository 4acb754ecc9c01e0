from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from rich.console import Console

from alertdrill.logs.console import LogConsole, as_json, render_record
from alertdrill.logs.parse import parse_file_line, parse_loki_line
from alertdrill.logs.record import LogRecord
from tests.unit.alertdrill.logs.lines import ACCESS, LINE, TRACE, contract, in_loki, text, texts

EVIL = "\x1b[2J\x07\r\x9b0m\u202e"


def put(line: dict[str, object] | str) -> str:
    return render_record(
        parse_file_line("web-1", line if isinstance(line, str) else text(line), 0)
    ).plain


def printed(*entries: LogRecord, width: int = 60, colours: bool = False) -> str:
    out = io.StringIO()
    screen = LogConsole(Console(file=out, width=width, force_terminal=colours, highlight=False))
    for entry in entries:
        screen.show(entry)
    return out.getvalue()


def today(entry: LogRecord) -> str:
    """Print a line as if it were today's."""
    return printed(entry).partition("\n")[2]


def test_contract_line_is_put_short() -> None:
    assert put({**LINE, "trace_id": "abc"}) == (
        "10:20:30.456 web-1            WARNING  slow  trace_id=abc"
    )


def test_access_line_says_nothing_twice() -> None:
    assert put(ACCESS) == (
        f"10:20:30.456 web-1            ERROR    POST /process"
        f"  trace_id={TRACE} status=503 duration_ms=12"
    )


def test_foreign_line_stays_as_it_is() -> None:
    assert put("[NOTICE] (1) : started") == f"{'':12} web-1            [NOTICE] (1) : started"


def test_names_and_levels_are_aligned() -> None:
    lines = [
        {**LINE, "instance": instance, "level": level, "message": "here"}
        for instance in ("web-1", "data-service-1")
        for level in ("INFO", "CRITICAL")
    ]
    assert len({put(line).index("here") for line in lines}) == 1


def test_exception_shows_its_stack() -> None:
    exception = {"type": "E", "message": "m", "stack": "Traceback:\n  line\u2028 1\n"}
    assert put({**LINE, "exception": exception}).splitlines()[1:] == [
        "    Traceback:",
        "      line\\u2028 1",
    ]


def test_both_sources_look_the_same() -> None:
    line = {**ACCESS, "zone": "b", "attempt": 2}
    assert render_record(parse_loki_line(in_loki(line))).plain == put(line)


@given(contract)
def test_nothing_reaches_a_terminal(line: dict[str, object]) -> None:
    assert_harmless(put(line))
    assert as_json(parse_file_line("web-1", text(line), 0)).isprintable()


@given(texts)
def test_no_foreign_line_reaches_a_terminal(line: str) -> None:
    assert_harmless(put(line))
    assert as_json(parse_file_line("web-1", line, 0)).isprintable()


@pytest.mark.parametrize("field", ["message", "level", "path", "request_id"])
def test_control_characters_are_shown(field: str) -> None:
    assert_harmless(put({**LINE, field: EVIL}))
    assert "\\x1b[2J" in put({**LINE, field: EVIL})


@pytest.mark.parametrize("stack", [EVIL, [EVIL], 5, None])
def test_strange_stack_is_harmless(stack: object) -> None:
    assert_harmless(put({**LINE, "exception": {"stack": stack}}))


def assert_harmless(text: str) -> None:
    assert text.replace("\n", "").isprintable()


@given(contract)
def test_json_says_the_same(line: dict[str, object]) -> None:
    entry = parse_file_line("web-1", text(line), 0)
    assert json.loads(as_json(entry)) == entry.as_dict()


def test_message_is_never_taken_for_markup() -> None:
    assert "[bold]no[/bold] [/]" in today(
        parse_file_line("web-1", text({**LINE, "message": "[bold]no[/bold] [/]"}), 0)
    )


def test_long_line_stays_one() -> None:
    assert (
        today(parse_file_line("web-1", text({**LINE, "message": "x y " * 99}), 0)).count("\n") == 1
    )


def test_level_has_its_colour() -> None:
    line = parse_file_line("web-1", text(ACCESS), 0)
    assert "\x1b[31mERROR" in printed(line, colours=True)
    assert "\x1b" not in printed(line, colours=False)


def test_other_day_is_told_once() -> None:
    foreign = parse_file_line("web-1", "Traceback", 0)
    one = parse_file_line("web-1", text(LINE), 0)
    next_day = parse_file_line("web-1", text({**LINE, "timestamp": "2026-11-24T00:00:00.000Z"}), 0)
    heads = [line for line in printed(one, foreign, one, next_day).splitlines() if "-11-2" in line]
    assert heads == ["2026-11-23", "2026-11-24"]
