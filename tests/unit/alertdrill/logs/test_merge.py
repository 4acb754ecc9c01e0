from hypothesis import given
from hypothesis import strategies as st

from alertdrill.logs.entry import Entry
from alertdrill.logs.merge import in_order, last, order

SERVICES = ("lb/public", "web", "lb/internal", "data-service")


def entry(at: int, service: str = "web", number: int = 1, place: int = 0) -> Entry:
    name, _, frontend = service.partition("/")
    fields = {"service": name, "instance": f"{name}-{number}"}
    return Entry(at, "", fields | ({"frontend": frontend} if frontend else {}), place=place)


entries = st.lists(
    st.builds(entry, st.integers(0, 5), st.sampled_from(SERVICES), st.integers(1, 2))
).map(lambda made: [Entry(one.at, one.message, one.fields, place=n) for n, one in enumerate(made)])


def test_time_comes_before_all_else() -> None:
    assert last([entry(2, "data-service"), entry(1, "lb")], None) == [
        entry(1, "lb"),
        entry(2, "data-service"),
    ]


def test_who_was_asked_comes_first() -> None:
    same = [entry(1, service) for service in SERVICES]
    assert last(same, None) == same[::-1]


def test_instance_keeps_its_own_order() -> None:
    same = [entry(1, place=9), entry(1, number=2, place=1), entry(1, place=3)]
    assert [(one.instance, one.place) for one in last(same, None)] == [
        ("web-1", 3),
        ("web-1", 9),
        ("web-2", 1),
    ]


@given(entries, st.integers(0, 9))
def test_last_are_the_end_of_all(made: list[Entry], count: int) -> None:
    whole = last(made, None)
    assert last(made, count) == whole[len(whole) - min(count, len(whole)) :]
    assert sorted(whole, key=order) == whole


@given(entries)
def test_stream_is_put_in_the_same_order(made: list[Entry]) -> None:
    by_time = sorted(made, key=lambda one: one.at)
    assert list(in_order(by_time)) == last(made, None)


def test_nothing_asked_for_is_read_nevertheless() -> None:
    read = iter([entry(1), entry(2)])
    assert last(read, 0) == []
    assert next(read, None) is None


def test_stream_holds_a_millisecond_only() -> None:
    def endless() -> object:
        yield entry(1)
        yield entry(2)
        raise AssertionError("read too far")

    assert next(in_order(endless())) == entry(1)  # type: ignore[arg-type]
