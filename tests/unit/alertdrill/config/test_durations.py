import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.config.durations import (
    DURATION,
    divide,
    format_milliseconds,
    parse_milliseconds,
    parse_seconds,
)

SPEEDS = st.floats(1, 1000)
# As the programs take them: each unit at most once, the longer first.
UNITS = st.lists(st.sampled_from(["y", "w", "d", "h", "m", "s", "ms"]), min_size=1, unique=True)


@st.composite
def durations(draw: st.DrawFn) -> str:
    order = ["y", "w", "d", "h", "m", "s", "ms"]
    return "".join(
        f"{draw(st.integers(0, 999))}{unit}" for unit in sorted(draw(UNITS), key=order.index)
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
def test_duration_is_divided_by_the_speed(duration: str, speed: float, scaled: str) -> None:
    assert divide(duration, speed) == scaled


@given(durations(), SPEEDS)
def test_scaled_duration_is_exact_within_rounding(duration: str, speed: float) -> None:
    milliseconds, scaled = parse_milliseconds(duration), parse_milliseconds(divide(duration, speed))
    assert scaled == 1 or abs(scaled - milliseconds / speed) <= 0.5
    assert (scaled == 0) == (milliseconds == 0)


@given(durations())
def test_speed_one_keeps_the_text(duration: str) -> None:
    assert divide(duration, 1) == duration


@given(st.integers(1))
def test_formatted_duration_reads_back_unchanged(milliseconds: int) -> None:
    assert DURATION.fullmatch(format_milliseconds(milliseconds))
    assert parse_milliseconds(format_milliseconds(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("417ms", 0.417),
        ("0s", 0),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("4h", 14_400),
    ],
)
def test_durations_of_prometheus_are_parsed(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "90", "-5s", "1.5h", "5 s", "s", "fast", "9" * 5000 + "s"])
def test_text_without_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="use a duration such as 90s or 1h30m"):
        parse_seconds(text)
