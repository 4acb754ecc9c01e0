from alertdrill.logs.parse import parse_file_line
from alertdrill.logs.record import ACCESS_FIELDS, COMMON_FIELDS, LogRecord, format_time
from tests.unit.alertdrill.logs import lines


def said(line: dict[str, object]) -> dict[str, object]:
    return parse_file_line("web-1", lines.text(line), 0).as_dict()


def test_access_line_has_its_types() -> None:
    assert said(lines.ACCESS) == lines.ACCESS
    assert list(said(lines.ACCESS)) == [*COMMON_FIELDS, *ACCESS_FIELDS]


def test_lacking_fields_are_null() -> None:
    short = {name: value for name, value in lines.LINE.items() if value is not None}
    assert said(short) == lines.LINE
    access = {**short, "logger": "access"}
    assert said(access) == {**lines.LINE, "logger": "access", **dict.fromkeys(ACCESS_FIELDS)}


def test_other_fields_follow_as_text() -> None:
    found = said({**lines.LINE, "zone": "b", "attempt": 2, "status": 404})
    assert list(found) == [*COMMON_FIELDS, "status", "attempt", "zone"]
    assert (found["status"], found["attempt"]) == (404, "2")


def test_exception_is_one_object() -> None:
    exception = {"type": "ValueError", "message": "bad", "stack": "Traceback\n  line"}
    found = said({**lines.LINE, "exception": {**exception, "notes": ["a"]}})
    assert found["exception"] == exception
    assert found["exception_notes"] == '["a"]'
    assert said({**lines.LINE, "exception": {"type": "E"}})["exception"] == {
        **dict.fromkeys(exception),
        "type": "E",
    }


def test_strange_number_stays_text() -> None:
    found = said({**lines.LINE, "status": "5xx", "duration_ms": "nan"})
    assert (found["status"], found["duration_ms"]) == ("5xx", "nan")


def test_foreign_line_is_an_object_too() -> None:
    found = parse_file_line("lb-1", "[NOTICE] (1) : started", 5).as_dict()
    assert list(found) == list(COMMON_FIELDS)
    known = {name: value for name, value in found.items() if value is not None}
    assert known == {
        "level": "UNKNOWN",
        "message": "[NOTICE] (1) : started",
        "service": "lb",
        "instance": "lb-1",
    }


def test_fields_come_in_the_contracts_order() -> None:
    entry = LogRecord(0, "", {"zone": "b", "path": "/", "level": "INFO", "a": "1"})
    assert [name for name, _ in entry.ordered_fields()] == ["level", "path", "a", "zone"]


def test_time_is_written_to_the_millisecond() -> None:
    assert format_time(1795429230456) == "2026-11-23T10:20:30.456Z"
    assert format_time(5) == "1970-01-01T00:00:00.005Z"
