from dataclasses import replace

from grafana.query_check import steps
from grafana.query_check.steps import StepInput
from grafana.query_check.time_range import TimeRange

HOUR = StepInput(TimeRange(0, 3_600_000), scrape=5000, min_interval=0, points=1000)


def test_short_span_has_the_scrape_interval() -> None:
    step, builtins = steps.prometheus(HOUR)
    assert (step, builtins["__interval"]) == (5000, "5s")


def test_rate_interval_is_four_scrapes_at_least() -> None:
    assert steps.prometheus(HOUR)[1]["__rate_interval"] == "20s"


def test_wide_steps_add_a_scrape_interval() -> None:
    step, builtins = steps.prometheus(replace(HOUR, points=60))
    assert (step, builtins["__rate_interval"]) == (60_000, "65s")


def test_min_interval_counts_as_scrape_interval() -> None:
    step, builtins = steps.prometheus(replace(HOUR, min_interval=30_000))
    assert (step, builtins["__rate_interval"]) == (30_000, "120s")


def test_number_of_points_is_limited() -> None:
    month = StepInput(TimeRange(0, 2_592_000_000), scrape=5000, min_interval=5000, points=10**6)
    step, _ = steps.prometheus(month)
    assert 2_592_000_000 / step < 11_000


def test_range_is_in_whole_seconds() -> None:
    builtins = steps.prometheus(HOUR)[1]
    assert [builtins[name] for name in ("__range", "__range_s", "__range_ms", "__to")] == [
        *("3600s", "3600", "3600000", "3600000")
    ]


def test_loki_knows_auto_and_no_rate_interval() -> None:
    width = replace(HOUR, scrape=1000)
    step, builtins = steps.loki(width, None, instant=False)
    assert (step, builtins["__auto"]) == (5000, "5s")
    assert steps.loki(width, None, instant=True)[1]["__auto"] == "3600s"
    assert steps.loki(width, "1m", instant=False)[0] == 60_000
    assert "__rate_interval" not in builtins
