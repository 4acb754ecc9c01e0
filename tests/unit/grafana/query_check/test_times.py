from dataclasses import replace

import pytest

from grafana.query_check import times
from grafana.query_check.dashboard_file import QueryCheckError
from grafana.query_check.times import (
    StepInput,
    TimeRange,
    format_duration,
    format_exact,
    milliseconds,
    round_interval,
    time_range,
)

NOW = 1_700_000_000_000
HOUR = StepInput(TimeRange(0, 3_600_000), scrape=5000, points=1000)
MONTH = TimeRange(0, 2_592_000_000)


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
    [
        *((3, 1), (10, 10), (2300, 2000), (3500, 5000), (24_000, 20_000), (45_000, 60_000)),
        (10**12, 31_536_000_000),
    ],
)
def test_intervals_are_rounded_as_in_grafana(width: float, expected: int) -> None:
    assert round_interval(width) == expected


@pytest.mark.parametrize(
    ("duration", "largest_unit", "exact"),
    [
        (500, "500ms", "500ms"),
        (1668, "1s", "1668ms"),
        (90_000, "1m", "90s"),
        (7_200_000, "2h", "7200s"),
        (31_536_000_000, "1y", "31536000s"),
        (0, "1ms", "0s"),
    ],
)
def test_interval_has_its_largest_unit_and_rate_interval_is_exact(
    duration: int, largest_unit: str, exact: str
) -> None:
    assert (format_duration(duration), format_exact(duration)) == (largest_unit, exact)


def test_range_is_relative_to_now() -> None:
    assert time_range("now-1h", "now", NOW) == TimeRange(NOW - 3_600_000, NOW)
    assert time_range("now-2h", "now-1h", NOW).width == 3_600_000
    assert TimeRange(1003, 2007).aligned(100) == TimeRange(1000, 2000)


@pytest.mark.parametrize(("start", "end"), [("yesterday", "now"), ("now", "now-1h")])
def test_empty_range_is_rejected(start: str, end: str) -> None:
    with pytest.raises(QueryCheckError):
        time_range(start, end, NOW)


@pytest.mark.parametrize(
    ("width", "step", "rate_interval"),
    [
        # The rate interval is four scrapes at least, or a step and a scrape.
        (HOUR, 5000, "20s"),
        (replace(HOUR, points=60), 60_000, "65s"),
        (replace(HOUR, scrape=30_000), 30_000, "120s"),
        # Prometheus rejects more than 11,000 points.
        (StepInput(MONTH, scrape=5000, points=10**6), 300_000, "305s"),
    ],
)
def test_step_of_prometheus(width: StepInput, step: int, rate_interval: str) -> None:
    actual, builtins = times.prometheus(width)
    assert (actual, builtins["__rate_interval"]) == (step, rate_interval)
    assert builtins["__interval"] == format_duration(step)


def test_range_is_in_whole_seconds() -> None:
    builtins = times.prometheus(HOUR)[1]
    assert [builtins[name] for name in ("__range", "__range_s", "__range_ms", "__to")] == [
        *("3600s", "3600", "3600000", "3600000")
    ]


def test_loki_knows_auto_and_no_rate_interval() -> None:
    width = replace(HOUR, scrape=1000)
    step, builtins = times.loki(width, instant=False)
    assert (step, builtins["__auto"]) == (5000, "5s")
    assert times.loki(width, instant=True)[1]["__auto"] == "3600s"
    assert times.loki(replace(width, time_range=MONTH, points=10**6), instant=False)[0] == 235_637
    assert "__rate_interval" not in builtins
