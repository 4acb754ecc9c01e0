from collections.abc import Iterator
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.parse import parse_file_line
from alertdrill.logs.record import (
    ACCESS_FIELDS,
    COMMON_FIELDS,
    LogRecord,
    format_time,
    group_by_time,
    last_records,
)
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
    for text in ("nan", "5xx", "1.2.3"):
        parsed = fields_of({**lines.LINE, "status": text, "duration_ms": text})
        assert (parsed["status"], parsed["duration_ms"]) == (text, text)


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


SERVICES = ("lb/public", "web", "lb/internal", "data-service")


def record(at: int, service: str = "web", number: int = 1, position: int = 0) -> LogRecord:
    name, _, frontend = service.partition("/")
    fields = {"service": name, "instance": f"{name}-{number}"}
    return LogRecord(
        at, "", fields | ({"frontend": frontend} if frontend else {}), position=position
    )


record_lists = st.lists(
    st.builds(record, st.integers(0, 5), st.sampled_from(SERVICES), st.integers(1, 2))
).map(
    lambda records: [
        LogRecord(item.at, item.message, item.fields, position=n) for n, item in enumerate(records)
    ]
)


def test_records_are_sorted_by_time_first() -> None:
    assert last_records([record(2, "data-service"), record(1, "lb")], None) == [
        record(1, "lb"),
        record(2, "data-service"),
    ]


def test_called_service_comes_before_its_caller() -> None:
    same_time = [record(1, service) for service in SERVICES]
    assert last_records(same_time, None) == same_time[::-1]


def test_records_of_an_instance_keep_their_positions() -> None:
    same_time = [record(1, position=9), record(1, number=2, position=1), record(1, position=3)]
    assert [(item.instance, item.position) for item in last_records(same_time, None)] == [
        ("web-1", 3),
        ("web-1", 9),
        ("web-2", 1),
    ]


def test_access_line_follows_the_lines_of_its_request() -> None:
    access = LogRecord(1, "POST /", {"instance": "web-1", "logger": "access"}, position=1)
    line = LogRecord(1, "Data processed", {"instance": "web-1", "logger": "app"}, position=2)
    assert last_records([access, line], None) == [line, access]


@given(record_lists, st.integers(0, 9))
def test_last_records_are_the_end_of_the_sorted_list(records: list[LogRecord], count: int) -> None:
    in_order = last_records(records, None)
    assert last_records(records, count) == in_order[max(0, len(in_order) - count) :]


@given(record_lists)
def test_stream_has_the_same_order_as_the_list(records: list[LogRecord]) -> None:
    by_time = sorted(records, key=lambda item: item.at)
    assert list(chain.from_iterable(group_by_time(by_time))) == last_records(records, None)


def test_zero_records_still_read_the_input() -> None:
    read = iter([record(1), record(2)])
    assert last_records(read, 0) == []
    assert next(read, None) is None


def test_stream_buffers_one_millisecond_only() -> None:
    def endless() -> Iterator[LogRecord]:
        yield record(1)
        yield record(2)
        raise AssertionError("read too far")

    assert next(group_by_time(endless())) == [record(1)]
