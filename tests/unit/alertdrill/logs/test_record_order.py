from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.record import LogRecord, last_records, sort_by_time, sort_key

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
    assert last_records(records, count) == in_order[len(in_order) - min(count, len(in_order)) :]
    assert sorted(in_order, key=sort_key) == in_order


@given(record_lists)
def test_stream_has_the_same_order_as_the_list(records: list[LogRecord]) -> None:
    by_time = sorted(records, key=lambda item: item.at)
    assert list(sort_by_time(by_time)) == last_records(records, None)


def test_zero_records_still_read_the_input() -> None:
    read = iter([record(1), record(2)])
    assert last_records(read, 0) == []
    assert next(read, None) is None


def test_stream_buffers_one_millisecond_only() -> None:
    def endless() -> object:
        yield record(1)
        yield record(2)
        raise AssertionError("read too far")

    assert next(sort_by_time(endless())) == record(1)  # type: ignore[arg-type]
