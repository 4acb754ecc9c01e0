from alertdrill.logs.parse import parse_file_line
from alertdrill.logs.record import ACCESS_FIELDS, COMMON_FIELDS, LogRecord, format_time
from tests.unit.alertdrill.logs import lines


def fields_of(line: dict[str, object]) -> dict[str, object]:
    return parse_file_line("web-1", lines.text(line), 0).as_dict()


def test_access_fields_keep_their_types() -> None:
    assert fields_of(lines.ACCESS) == lines.ACCESS
    assert list(fields_of(lines.ACCESS)) == [*COMMON_FIELDS, *ACCESS_FIELDS]


def test_missing_fields_are_null() -> None:
    short = {name: value for name, value in lines.LINE.items() if value is not None}
    assert fields_of(short) == lines.LINE
    access = {**short, "logger": "access"}
    assert fields_of(access) == {**lines.LINE, "logger": "access", **dict.fromkeys(ACCESS_FIELDS)}


def test_extra_fields_follow_as_text() -> None:
    parsed = fields_of({**lines.LINE, "zone": "b", "attempt": 2, "status": 404})
    assert list(parsed) == [*COMMON_FIELDS, "status", "attempt", "zone"]
    assert (parsed["status"], parsed["attempt"]) == (404, "2")


def test_exception_fields_form_one_object() -> None:
    exception = {"type": "ValueError", "message": "bad", "stack": "Traceback\n  line"}
    parsed = fields_of({**lines.LINE, "exception": {**exception, "notes": ["a"]}})
    assert parsed["exception"] == exception
    assert parsed["exception_notes"] == '["a"]'
    assert fields_of({**lines.LINE, "exception": {"type": "E"}})["exception"] == {
        **dict.fromkeys(exception),
        "type": "E",
    }


def test_invalid_number_stays_text() -> None:
    parsed = fields_of({**lines.LINE, "status": "5xx", "duration_ms": "nan"})
    assert (parsed["status"], parsed["duration_ms"]) == ("5xx", "nan")


def test_unstructured_line_becomes_an_object() -> None:
    parsed = parse_file_line("lb-1", "[NOTICE] (1) : started", 5).as_dict()
    assert list(parsed) == list(COMMON_FIELDS)
    present = {name: value for name, value in parsed.items() if value is not None}
    assert present == {
        "level": "UNKNOWN",
        "message": "[NOTICE] (1) : started",
        "service": "lb",
        "instance": "lb-1",
    }


def test_fields_follow_the_order_of_the_contract() -> None:
    record = LogRecord(0, "", {"zone": "b", "path": "/", "level": "INFO", "a": "1"})
    assert [name for name, _ in record.ordered_fields()] == ["level", "path", "a", "zone"]


def test_time_is_formatted_to_the_millisecond() -> None:
    assert format_time(1795429230456) == "2026-11-23T10:20:30.456Z"
    assert format_time(5) == "1970-01-01T00:00:00.005Z"
