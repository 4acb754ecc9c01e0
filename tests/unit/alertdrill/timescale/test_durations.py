import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.timescale import TimescaleError
from alertdrill.timescale.durations import (
    DURATION,
    check_speed,
    format_milliseconds,
    parse_milliseconds,
    scale,
)

SPEEDS = st.floats(1, 1000)
# As the programs take them: each unit at most once, the longer first.
PARTS = st.lists(st.sampled_from(["y", "w", "d", "h", "m", "s", "ms"]), min_size=1, unique=True)


@st.composite
def durations(draw: st.DrawFn) -> str:
    order = ["y", "w", "d", "h", "m", "s", "ms"]
    return "".join(
        f"{draw(st.integers(0, 999))}{unit}" for unit in sorted(draw(PARTS), key=order.index)
    )


@pytest.mark.parametrize(
    ("duration", "speed", "scaled"),
    [
        ("5s", 12, "417ms"),
        ("4s", 12, "333ms"),
        ("1m", 12, "5s"),
        ("30d", 12, "60h"),
        ("1h30m", 2, "45m"),
        ("1w", 7, "1d"),
        ("10ms", 1000, "1ms"),
        ("1m30s", 1, "1m30s"),
        ("0s", 12, "0s"),
        ("5s", 2.5, "2s"),
    ],
)
def test_durations_are_divided(duration: str, speed: float, scaled: str) -> None:
    assert scale(duration, speed) == scaled


@given(durations(), SPEEDS)
def test_scaling_is_within_rounding(duration: str, speed: float) -> None:
    whole, scaled = parse_milliseconds(duration), parse_milliseconds(scale(duration, speed))
    assert scaled == 1 or abs(scaled - whole / speed) <= 0.5
    assert (scaled == 0) == (whole == 0)


@given(durations())
def test_speed_one_keeps_the_words(duration: str) -> None:
    assert scale(duration, 1) == duration


@given(st.integers(1))
def test_what_is_written_is_read(whole: int) -> None:
    assert DURATION.fullmatch(format_milliseconds(whole))
    assert parse_milliseconds(format_milliseconds(whole)) == whole


@pytest.mark.parametrize("speed", [0, -1, 0.5, 1001, float("nan"), float("inf")])
def test_bad_speed_says_the_range(speed: float) -> None:
    with pytest.raises(TimescaleError, match=r"is out of range: use 1 .* 1000\."):
        check_speed(speed)


@pytest.mark.parametrize("speed", [1, 1.5, 1000])
def test_range_includes_its_ends(speed: float) -> None:
    check_speed(speed)
