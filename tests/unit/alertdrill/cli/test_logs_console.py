from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from rich.console import Console

from alertdrill.cli.logs import as_json, print_record, render_record
from alertdrill.logs.parse import parse_file_line, parse_loki_line
from alertdrill.logs.record import LogRecord
from tests.unit.alertdrill.logs.lines import ACCESS, LINE, TRACE, contract, in_loki, text, texts

CONTROL_CHARACTERS = "\x1b[2J\x07\r\x9b0m\u202e"


def rendered(line: dict[str, object] | str) -> str:
    return render_record(
        parse_file_line("web-1", line if isinstance(line, str) else text(line), 0)
    ).plain


def shown(*records: LogRecord, width: int = 60, colours: bool = False) -> str:
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=colours, highlight=False)
    day = ""
    for record in records:
        day = print_record(record, day, console)
    return output.getvalue()


def shown_line(record: LogRecord) -> str:
    """Return the printed line without the heading of its day."""
    return shown(record).partition("\n")[2]


def test_contract_line_is_shortened() -> None:
    assert rendered({**LINE, "trace_id": "abc"}) == (
        "10:20:30.456 web-1            WARNING  slow  trace_id=abc"
    )


def test_access_line_repeats_no_field() -> None:
    assert rendered(ACCESS) == (
        f"10:20:30.456 web-1            ERROR    POST /process"
        f"  trace_id={TRACE} status=503 duration_ms=12"
    )


def test_unstructured_line_is_shown_unchanged() -> None:
    assert rendered("[NOTICE] (1) : started") == f"{'':12} web-1            [NOTICE] (1) : started"


def test_names_and_levels_are_aligned() -> None:
    lines = [
        {**LINE, "instance": instance, "level": level, "message": "here"}
        for instance in ("web-1", "data-service-1")
        for level in ("INFO", "CRITICAL")
    ]
    assert len({rendered(line).index("here") for line in lines}) == 1


def test_exception_shows_its_stack() -> None:
    exception = {"type": "E", "message": "m", "stack": "Traceback:\n  line\u2028 1\n"}
    assert rendered({**LINE, "exception": exception}).splitlines()[1:] == [
        "    Traceback:",
        "      line\\u2028 1",
    ]


def test_line_from_loki_looks_like_the_line_from_a_file() -> None:
    line = {**ACCESS, "zone": "b", "attempt": 2}
    assert render_record(parse_loki_line(in_loki(line))).plain == rendered(line)


@given(contract)
def test_contract_line_prints_no_control_characters(line: dict[str, object]) -> None:
    assert_harmless(rendered(line))
    assert as_json(parse_file_line("web-1", text(line), 0)).isprintable()


@given(texts)
def test_unstructured_line_prints_no_control_characters(line: str) -> None:
    assert_harmless(rendered(line))
    assert as_json(parse_file_line("web-1", line, 0)).isprintable()


@pytest.mark.parametrize("field", ["message", "level", "path", "request_id"])
def test_control_characters_are_escaped(field: str) -> None:
    assert_harmless(rendered({**LINE, field: CONTROL_CHARACTERS}))
    assert "\\x1b[2J" in rendered({**LINE, field: CONTROL_CHARACTERS})


@pytest.mark.parametrize("stack", [CONTROL_CHARACTERS, [CONTROL_CHARACTERS], 5, None])
def test_malformed_stack_prints_no_control_characters(stack: object) -> None:
    assert_harmless(rendered({**LINE, "exception": {"stack": stack}}))


def assert_harmless(text: str) -> None:
    assert text.replace("\n", "").isprintable()


@given(contract)
def test_json_has_every_field_of_the_record(line: dict[str, object]) -> None:
    record = parse_file_line("web-1", text(line), 0)
    assert json.loads(as_json(record)) == record.as_dict()


def test_message_is_not_read_as_markup() -> None:
    assert "[bold]no[/bold] [/]" in shown_line(
        parse_file_line("web-1", text({**LINE, "message": "[bold]no[/bold] [/]"}), 0)
    )


def test_long_line_is_not_wrapped() -> None:
    assert (
        shown_line(parse_file_line("web-1", text({**LINE, "message": "x y " * 99}), 0)).count("\n")
        == 1
    )


def test_level_has_its_colour() -> None:
    line = parse_file_line("web-1", text(ACCESS), 0)
    assert "\x1b[31mERROR" in shown(line, colours=True)
    assert "\x1b" not in shown(line, colours=False)


def test_new_day_has_one_heading() -> None:
    unstructured = parse_file_line("web-1", "Traceback", 0)
    first_day = parse_file_line("web-1", text(LINE), 0)
    next_day = parse_file_line("web-1", text({**LINE, "timestamp": "2026-11-24T00:00:00.000Z"}), 0)
    headings = [
        line
        for line in shown(first_day, unstructured, first_day, next_day).splitlines()
        if "-11-2" in line
    ]
    assert headings == ["2026-11-23", "2026-11-24"]
