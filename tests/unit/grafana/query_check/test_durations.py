import pytest

from grafana.query_check.durations import (
    format_duration,
    format_exact,
    milliseconds,
    round_interval,
)
from grafana.query_check.errors import QueryCheckError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5s", 5000), ("1m30s", 90_000), ("250ms", 250), ("30d", 2_592_000_000), ("15", 15_000)],
)
def test_durations_are_read(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5 s", "5x", "$__interval"])
def test_invalid_duration_is_rejected(text: str) -> None:
    with pytest.raises(QueryCheckError, match="invalid duration"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("width", "expected"),
    [(3, 1), (10, 10), (2300, 2000), (3500, 5000), (24_000, 20_000), (45_000, 60_000)],
)
def test_intervals_are_rounded_as_in_grafana(width: float, expected: int) -> None:
    assert round_interval(width) == expected


def test_longest_width_is_a_year() -> None:
    assert format_duration(round_interval(10**12)) == "1y"


def test_interval_is_its_largest_unit() -> None:
    assert [
        format_duration(milliseconds) for milliseconds in (500, 5000, 90_000, 7_200_000, 0)
    ] == [*("500ms", "5s", "1m", "2h", "1ms")]


def test_rate_interval_is_exact() -> None:
    assert [format_exact(milliseconds) for milliseconds in (20_000, 90_000, 1668)] == [
        "20s",
        "90s",
        "1668ms",
    ]
