from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.ordering import last_records, sort_by_time, sort_key
from alertdrill.logs.record import LogRecord

SERVICES = ("lb/public", "web", "lb/internal", "data-service")


def entry(at: int, service: str = "web", number: int = 1, position: int = 0) -> LogRecord:
    name, _, frontend = service.partition("/")
    fields = {"service": name, "instance": f"{name}-{number}"}
    return LogRecord(
        at, "", fields | ({"frontend": frontend} if frontend else {}), position=position
    )


entries = st.lists(
    st.builds(entry, st.integers(0, 5), st.sampled_from(SERVICES), st.integers(1, 2))
).map(
    lambda made: [
        LogRecord(one.at, one.message, one.fields, position=n) for n, one in enumerate(made)
    ]
)


def test_time_comes_before_all_else() -> None:
    assert last_records([entry(2, "data-service"), entry(1, "lb")], None) == [
        entry(1, "lb"),
        entry(2, "data-service"),
    ]


def test_who_was_asked_comes_first() -> None:
    same = [entry(1, service) for service in SERVICES]
    assert last_records(same, None) == same[::-1]


def test_instance_keeps_its_own_order() -> None:
    same = [entry(1, position=9), entry(1, number=2, position=1), entry(1, position=3)]
    assert [(one.instance, one.position) for one in last_records(same, None)] == [
        ("web-1", 3),
        ("web-1", 9),
        ("web-2", 1),
    ]


@given(entries, st.integers(0, 9))
def test_last_are_the_end_of_all(made: list[LogRecord], count: int) -> None:
    whole = last_records(made, None)
    assert last_records(made, count) == whole[len(whole) - min(count, len(whole)) :]
    assert sorted(whole, key=sort_key) == whole


@given(entries)
def test_stream_is_put_in_the_same_order(made: list[LogRecord]) -> None:
    by_time = sorted(made, key=lambda one: one.at)
    assert list(sort_by_time(by_time)) == last_records(made, None)


def test_nothing_asked_for_is_read_nevertheless() -> None:
    read = iter([entry(1), entry(2)])
    assert last_records(read, 0) == []
    assert next(read, None) is None


def test_stream_holds_a_millisecond_only() -> None:
    def endless() -> object:
        yield entry(1)
        yield entry(2)
        raise AssertionError("read too far")

    assert next(sort_by_time(endless())) == entry(1)  # type: ignore[arg-type]
