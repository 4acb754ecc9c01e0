import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.config.durations import parse_milliseconds
from alertdrill.timescale import TimescaleError
from alertdrill.timescale.expressions import scale_logql

TIMES = st.from_regex(r"[1-9][0-9]{0,2}(ms|[smhd])", fullmatch=True)


@pytest.mark.parametrize(
    ("query", "scaled"),
    [
        ('rate({a="b"}[1m]) > 5', 'rate({a="b"}[6s]) > 5'),
        ('rate({a="b"} | c > 5 [ 1m ])', 'rate({a="b"} | c > 5 [6s])'),
        ('rate({a="[1m]"} |= `[5m]` [1m] offset 5m)', 'rate({a="[1m]"} |= `[5m]` [6s] offset 30s)'),
        ('sum(rate({a="b"}[1m] offset -5m))', 'sum(rate({a="b"}[6s] offset -30s))'),
        # How long a request took is what the line says, at any speed.
        ('{a="b"} | took > 5s | size > 5kb', '{a="b"} | took > 5s | size > 5kb'),
        ('rate({a="b"}[1m]) # over [1m]', 'rate({a="b"}[6s]) # over [1m]'),
        (r'rate({a="\"[1m]"}[1m])', r'rate({a="\"[1m]"}[6s])'),
        ("vector(1)", "vector(1)"),
    ],
)
def test_only_ranges_and_offsets_are_divided(query: str, scaled: str) -> None:
    assert scale_logql(query, 10) == scaled


@pytest.mark.parametrize("text", ["rate({a=`b`}[5])", "rate({a=`b`}[$__interval])"])
def test_range_without_unit_is_refused(text: str) -> None:
    with pytest.raises(TimescaleError, match="such as \\[5m\\]"):
        scale_logql(text, 10)


@given(TIMES, TIMES, st.floats(1, 1000))
def test_generated_durations_are_divided(window: str, offset: str, speed: float) -> None:
    head, tail = 'sum by (a) (rate({b="[5m] offset 5m"} | c > 5m ', ")) > 0.5"
    scaled = scale_logql(f"{head}[{window}] offset {offset}{tail}", speed)
    assert scaled.startswith(f"{head}[")
    assert scaled.endswith(tail)
    new = scaled.removeprefix(f"{head}[").removesuffix(tail).split("] offset ")
    for original, result in zip((window, offset), new, strict=True):
        assert parse_milliseconds(result) == max(1, round(parse_milliseconds(original) / speed))


def test_speed_one_changes_nothing() -> None:
    text = "rate({a=`b`}[90s] offset 60s)"
    assert scale_logql(text, 1) == text
