import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.timescale import TimescaleError
from alertdrill.timescale.expressions import scale_promql

# What may stand in an expression and is not a duration, however much it looks like one.
NOT_DURATIONS = [
    *("service:requests:rate5m", "rate5m", "x_5m", ":5m_total", "a:5m", "m", "s", "Inf", "NaN"),
    *("5", "0.5", ".5", "1e5", "1e-3", "1_000", "0x5d", "0X5D", "5.", "@ 1609746000"),
    *('"5m"', "'[5m]'", "`4h`", r'"a\"5m\"b"', r"'\'5m'", '{a="5m",b=~"1h|2h"}'),
    *("# for 5m\n", "# it's 5m\n", '# a "5m\n'),
    *("(", ")", "+", "-", "*", "/", "==", "!=", "sum by (service)", "bool"),
]
DURATIONS = [
    *("[5m]", "[30d:5m]", "[5m:]", "[ 1h : 30s ]", "[1h30m]"),
    *("offset 1w", "offset -5m", "4h", "-30s", "1d", "5ms"),
]


@pytest.mark.parametrize(
    ("expression", "scaled"),
    [
        ("rate(x[1m])", "rate(x[5s])"),
        ("max_over_time(x[6h:1m] offset 1d)", "max_over_time(x[30m:5s] offset 2h)"),
        ("predict_linear(x[30m], 4h) < 0", "predict_linear(x[150s], 20m) < 0"),
        ("x offset -5m", "x offset -25s"),
        ("sum_over_time(a:b:rate5m[1h]) * 1m >= 10", "sum_over_time(a:b:rate5m[5m]) * 5s >= 10"),
        ("time() - x > 2m30s", "time() - x > 12500ms"),
    ],
)
def test_durations_are_divided(expression: str, scaled: str) -> None:
    assert scale_promql(expression, 12) == scaled


@pytest.mark.parametrize("word", NOT_DURATIONS)
def test_text_that_only_looks_like_a_duration_is_kept(word: str) -> None:
    assert scale_promql(f"{word} + x[1m]", 12) == f"{word} + x[5s]"


@given(st.lists(st.sampled_from([*NOT_DURATIONS, *DURATIONS]), max_size=20), st.floats(1, 1000))
def test_each_part_is_scaled_independently(words: list[str], speed: float) -> None:
    expected = " ".join(scale_promql(word, speed) for word in words)
    assert scale_promql(" ".join(words), speed) == expected
    assert all(scale_promql(word, speed) == word for word in words if word in NOT_DURATIONS)


@given(st.text(alphabet="x5m0.e:\"'`#\n\\ hd", max_size=40))
def test_speed_one_changes_nothing(text: str) -> None:
    assert scale_promql(text, 1) == text


@pytest.mark.parametrize("expression", ["rate(x[300])", "x[5m:60]", "x[300:5m]"])
def test_range_without_unit_is_refused(expression: str) -> None:
    with pytest.raises(TimescaleError, match=r"\] has no unit: use one"):
        scale_promql(expression, 12)
