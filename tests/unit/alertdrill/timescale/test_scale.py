import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.config.durations import parse_milliseconds
from alertdrill.timescale.render import Language, TimescaleError, scale

TIMES = st.from_regex(r"[1-9][0-9]{0,2}(ms|[smhd])", fullmatch=True)
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
def test_all_durations_of_promql_are_divided(expression: str, scaled: str) -> None:
    assert scale(expression, 12) == scaled


@pytest.mark.parametrize(
    ("query", "scaled"),
    [
        ('rate({a="b"}[1m]) > 5', 'rate({a="b"}[6s]) > 5'),
        ('rate({a="b"} | c > 5 [ 1m ])', 'rate({a="b"} | c > 5 [ 6s ])'),
        ('rate({a="[1m]"} |= `[5m]` [1m] offset 5m)', 'rate({a="[1m]"} |= `[5m]` [6s] offset 30s)'),
        ('sum(rate({a="b"}[1m] offset -5m))', 'sum(rate({a="b"}[6s] offset -30s))'),
        # How long a request took is what the line says, at any speed.
        ('{a="b"} | took > 5s | size > 5kb', '{a="b"} | took > 5s | size > 5kb'),
        ('rate({a="b"}[1m]) # over [1m]', 'rate({a="b"}[6s]) # over [1m]'),
        (r'rate({a="\"[1m]"}[1m])', r'rate({a="\"[1m]"}[6s])'),
        ("vector(1)", "vector(1)"),
    ],
)
def test_only_ranges_and_offsets_of_logql_are_divided(query: str, scaled: str) -> None:
    assert scale(query, 10, "logql") == scaled


@pytest.mark.parametrize("word", NOT_DURATIONS)
def test_text_that_only_looks_like_a_duration_is_kept(word: str) -> None:
    assert scale(f"{word} + x[1m]", 12) == f"{word} + x[5s]"


@given(st.lists(st.sampled_from([*NOT_DURATIONS, *DURATIONS]), max_size=20), st.floats(1, 1000))
def test_each_part_of_promql_is_scaled_independently(words: list[str], speed: float) -> None:
    expected = " ".join(scale(word, speed) for word in words)
    assert scale(" ".join(words), speed) == expected
    assert all(scale(word, speed) == word for word in words if word in NOT_DURATIONS)


@given(TIMES, TIMES, st.floats(1, 1000))
def test_generated_durations_of_logql_are_divided(window: str, offset: str, speed: float) -> None:
    head, tail = 'sum by (a) (rate({b="[5m] offset 5m"} | c > 5m ', ")) > 0.5"
    scaled = scale(f"{head}[{window}] offset {offset}{tail}", speed, "logql")
    assert scaled.startswith(f"{head}[")
    assert scaled.endswith(tail)
    new = scaled.removeprefix(f"{head}[").removesuffix(tail).split("] offset ")
    for original, result in zip((window, offset), new, strict=True):
        assert parse_milliseconds(result) == max(1, round(parse_milliseconds(original) / speed))


@pytest.mark.parametrize("language", ["promql", "logql"])
@given(text=st.text(alphabet="x5m0.e:\"'`#\n\\ hd", max_size=40))
def test_speed_one_changes_nothing(language: Language, text: str) -> None:
    for expression in (text, f"rate(x[90s] offset 60s) {text}"):
        assert scale(expression, 1, language) == expression


@pytest.mark.parametrize(
    ("expression", "language"),
    [
        ("rate(x[300])", "promql"),
        ("x[5m:60]", "promql"),
        ("x[300:5m]", "promql"),
        ("rate({a=`b`}[5])", "logql"),
        ("rate({a=`b`}[$__interval])", "logql"),
    ],
)
def test_range_without_unit_is_refused(expression: str, language: Language) -> None:
    with pytest.raises(TimescaleError, match=r"\] is not a duration: use a unit, such as \[5m\]"):
        scale(expression, 12, language)
