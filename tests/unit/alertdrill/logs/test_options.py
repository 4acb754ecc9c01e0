import pytest

from alertdrill.logs import options
from alertdrill.logs.options import OptionError

NOW = 1795429230456


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("0s", NOW),
        ("90s", NOW - 90_000),
        ("10m", NOW - 600_000),
        ("2h", NOW - 7_200_000),
        ("1d", NOW - 86_400_000),
        ("1h30m", NOW - 5_400_000),
        ("99999d", 0),
        ("1y", NOW - 31_536_000_000),
        ("5ms", NOW - 5),
        ("2026-11-23T10:20:30.456Z", NOW),
        ("2026-11-23T11:20:30+01:00", NOW - 456),
        ("1950-01-01T00:00:00Z", 0),
    ],
)
def test_time_is_a_duration_ago_or_a_timestamp(value: str, moment: int) -> None:
    assert options.parse_time("--since", value, NOW) == moment


@pytest.mark.parametrize(
    "value",
    [
        *("", "10", "m", "-5m", "5 m", "tomorrow", "1795429230", "9" * 5000 + "m"),
        *("2026-11-23", "2026-11-23T10:20:30", "2026-13-23T10:20:30Z", "10:20:30Z"),
    ],
)
def test_invalid_time_is_refused_with_its_option(value: str) -> None:
    with pytest.raises(OptionError, match=r"^--until is .*: use a duration such as 90s"):
        options.parse_time("--until", value, NOW)


def test_level_ignores_case() -> None:
    assert options.parse_level("warning") == "WARNING"


@pytest.mark.parametrize("value", ["", "WARN", "UNKNOWN", "5"])
def test_invalid_level_is_refused_with_the_valid_ones(value: str) -> None:
    with pytest.raises(OptionError, match=r"--level is .*: use one of DEBUG, INFO, WARNING"):
        options.parse_level(value)


def test_trace_id_ignores_case() -> None:
    assert options.parse_trace_id("AB" * 16) == "ab" * 16


@pytest.mark.parametrize("value", ["", "ab", "g" * 32, "a" * 33, "00-" + "a" * 32])
def test_invalid_trace_id_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match=r"--trace is .*: use a line's trace_id"):
        options.parse_trace_id(value)


def test_text_is_taken_literally() -> None:
    assert options.parse_text("[a-z]* ü {{.}}") == "[a-z]* ü {{.}}"


@pytest.mark.parametrize("value", ["", "a\nb", "\x1b[2J", "\udcff"])
def test_text_that_no_line_can_contain_is_refused(value: str) -> None:
    with pytest.raises(OptionError, match=r"--grep is .*: use plain text"):
        options.parse_text(value)


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5)])
def test_time_range_that_ends_before_it_starts_is_refused(since: int, until: int) -> None:
    with pytest.raises(OptionError, match=r"--until is not after --since"):
        options.check_time_range(since, until, follow=False)


def test_until_and_follow_exclude_each_other() -> None:
    with pytest.raises(OptionError, match=r"--until and --follow exclude each other"):
        options.check_time_range(None, 5, follow=True)
    options.check_time_range(4, None, follow=True)
    options.check_time_range(4, 5, follow=False)
    options.check_time_range(None, 5, follow=False)
