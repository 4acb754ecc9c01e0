import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.config.durations import DURATION, parse_milliseconds
from alertdrill.timescale.render import (
    DURATION_KEYS,
    EXPRESSION,
    Language,
    TimescaleError,
    check_speed,
    language_of,
    render,
    scalars,
    scale,
)

ROOT = Path(__file__).resolve().parents[4]
PATTERNS = ["prometheus/prometheus.yml", "prometheus/scrape/*.yml", "prometheus/rules/*.yml"]
LOKI_PATTERNS = ["loki/rules/*.yml", "loki/overrides.yml"]
COMMITTED = [
    file
    for name in [*PATTERNS, *LOKI_PATTERNS, "alerting/alertmanager.yml"]
    for file in sorted(ROOT.glob(name))
]
SPEEDS = st.floats(1, 1000)
QUOTES = st.sampled_from(["", "'", '"'])
TIMES = st.from_regex(r"[1-9][0-9]{0,2}[smhd]", fullmatch=True)


@pytest.fixture(params=COMMITTED, ids=lambda file: str(file.relative_to(ROOT)))
def file(request: pytest.FixtureRequest) -> Path:
    values: Path = request.param
    return values


@pytest.fixture
def committed(file: Path) -> str:
    return file.read_text()


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """Return a configuration of groups with comments, quotes, blocks and unusual spacing."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        quote, time, window = draw(QUOTES), draw(TIMES), draw(TIMES)
        expression = draw(
            st.sampled_from(
                [
                    f"|\n          rate(x{{a='5m'}}[{window}]) # in [5m]\n            > 5\n",
                    f">-\n          sum_over_time(a:rate5m[{window}])\n\n",
                    f"max(x offset {window}) > {window}\n",
                    f'"rate(x[{window}])"   # 5m of it\n',
                ]
            )
        )
        rules.append(
            f"      - alert: A{number}\n        expr: {expression}"
            f"        for:  {quote}{time}{quote} # not {window}\n"
            f"        labels: {{window: {window}, for: 5m}}\n"
            f"        annotations:\n          summary: over {window}\n          interval: 5m\n"
        )
    interval, wait = draw(TIMES), draw(TIMES)
    head = f"# every 5m\n\ngroups:\n  - name: 5m\n    interval: {interval}\n    limit: 5\n"
    tail = f"other: {{scrape_timeout: {wait}, path: 5m}}\n"
    return f"{head}    rules:\n{''.join(rules)}{tail}"


def test_committed_configurations_include_every_component() -> None:
    names = {file.name for file in COMMITTED}
    assert {"prometheus.yml", "native.yml", "pipeline.yml", "alertmanager.yml"} <= names


def test_committed_durations_are_under_known_keys(committed: str) -> None:
    values = {key for key, node in scalars(committed) if DURATION.fullmatch(node.value)}
    assert values - DURATION_KEYS == set()


def test_committed_file_is_scaled(file: Path, committed: str) -> None:
    language = language_of(str(file.relative_to(ROOT)))
    for speed in (2, 12, 60.5):
        assert_scaled(committed, render(committed, speed, language), speed, language)


def test_query_language_follows_from_the_folder() -> None:
    assert language_of("prometheus/rules/slo.yml") == "promql"
    assert language_of("loki/rules") == language_of("loki/overrides.yml") == "logql"


def test_speed_one_changes_nothing(committed: str) -> None:
    assert render(committed, 1) == committed


@pytest.mark.parametrize("language", ["promql", "logql"])
@given(text=configurations(), speed=SPEEDS)
def test_generated_file_is_scaled(language: Language, text: str, speed: float) -> None:
    assert render(text, 1, language) == text
    assert_scaled(text, render(text, speed, language), speed, language)


def assert_scaled(text: str, rendered: str, speed: float, language: Language) -> None:
    """Compare a rendered text with its original: every value and all text between values."""
    before, after = scalars(text), scalars(rendered)
    assert between(text) == between(rendered)
    assert len(before) == len(after)
    for (key, old), (new_key, new) in zip(before, after, strict=True):
        assert (key, old.style) == (new_key, new.style)
        if key == EXPRESSION:
            assert new.value == scale(old.value, speed, language)
        elif key in DURATION_KEYS and DURATION.fullmatch(old.value):
            assert_divided(old.value, new.value, speed)
        else:
            assert new.value == old.value
    assert shape(yaml.safe_load(text)) == shape(yaml.safe_load(rendered))


def assert_divided(old: str, new: str, speed: float) -> None:
    milliseconds, scaled = parse_milliseconds(old), parse_milliseconds(new)
    assert (scaled == 0) == (milliseconds == 0)
    assert scaled == 1 or abs(scaled - milliseconds / speed) <= 0.5


def between(text: str) -> list[str]:
    """Return the text between values: keys, comments, indentation, labels, annotations."""
    values = scalars(text)
    ends = [0, *(node.end_mark.index for _, node in values)]
    begins = [*(node.start_mark.index for _, node in values), len(text)]
    return [text[end:begin] for end, begin in zip(ends, begins, strict=True)]


def shape(value: Any) -> Any:
    """Return the structure of a document without its texts."""
    match value:
        case dict():
            return {key: shape(item) for key, item in value.items()}
        case list():
            return [shape(item) for item in value]
    return type(value)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("for: 1m", "for: 5s"),
        ("for: '1m'\n", "for: '5s'\n"),
        ('{interval: "1m", group_wait: 0s}', '{interval: "5s", group_wait: 0s}'),
        ("for: &hold 1m\nkeep_firing_for: *hold\n", "for: &hold 5s\nkeep_firing_for: *hold\n"),
        ("timeout: 10\nlimit: 5m\n", "timeout: 10\nlimit: 5m\n"),
        ("expr: x[1m] # 1m\n", "expr: x[5s] # 1m\n"),
        ("expr: |2-\n    x[1m]\n", "expr: |2-\n    x[5s]\n"),
        ("for: 1m\r\nexpr: x\r\n", "for: 5s\r\nexpr: x\r\n"),
        ("", ""),
    ],
)
def test_yaml_style_is_kept(text: str, rendered: str) -> None:
    assert render(text, 12) == rendered


@pytest.mark.parametrize("value", [r'"x{a=\"5m\"}[5m]"', "'x{a=''5m''}[5m]'", r'"5\u006d"'])
def test_escaped_quotes_are_refused(value: str) -> None:
    with pytest.raises(TimescaleError, match=r"^line 2 has escaped quotes: write `expr` as a"):
        render(f"for: 5m\nexpr: {value}\n", 12)


def test_invalid_yaml_is_refused() -> None:
    with pytest.raises(TimescaleError, match=r"^the configuration is not valid YAML: "):
        render("a: [", 12)


def test_invalid_speed_is_refused() -> None:
    with pytest.raises(TimescaleError, match=re.escape("speed 0.5 is out of range")):
        render("for: 5m", 0.5)


@pytest.mark.parametrize("speed", [0, -1, 0.5, 1001, float("nan"), float("inf")])
def test_invalid_speed_is_refused_with_the_range(speed: float) -> None:
    with pytest.raises(TimescaleError, match=r"is out of range: use 1 .* 1000\."):
        check_speed(speed)


@pytest.mark.parametrize("speed", [1, 1.5, 1000])
def test_speed_range_includes_its_limits(speed: float) -> None:
    check_speed(speed)
