from dataclasses import replace

from grafana.proof import steps
from grafana.proof.span import Span
from grafana.proof.steps import Width

HOUR = Width(Span(0, 3_600_000), scrape=5000, least=0, points=1000)


def test_short_span_has_the_scrape_interval() -> None:
    step, own = steps.prometheus(HOUR)
    assert (step, own["__interval"]) == (5000, "5s")


def test_rate_interval_is_four_scrapes_at_least() -> None:
    assert steps.prometheus(HOUR)[1]["__rate_interval"] == "20s"


def test_wide_steps_add_a_scrape() -> None:
    step, own = steps.prometheus(replace(HOUR, points=60))
    assert (step, own["__rate_interval"]) == (60_000, "65s")


def test_least_step_counts_as_scrape() -> None:
    step, own = steps.prometheus(replace(HOUR, least=30_000))
    assert (step, own["__rate_interval"]) == (30_000, "120s")


def test_prometheus_is_not_asked_too_much() -> None:
    month = Width(Span(0, 2_592_000_000), scrape=5000, least=5000, points=10**6)
    step, _ = steps.prometheus(month)
    assert 2_592_000_000 / step < 11_000


def test_range_is_in_whole_seconds() -> None:
    own = steps.prometheus(HOUR)[1]
    assert [own[name] for name in ("__range", "__range_s", "__range_ms", "__to")] == [
        *("3600s", "3600", "3600000", "3600000")
    ]


def test_loki_knows_auto_and_no_rate_interval() -> None:
    width = replace(HOUR, scrape=1000)
    step, own = steps.loki(width, None, instant=False)
    assert (step, own["__auto"]) == (5000, "5s")
    assert steps.loki(width, None, instant=True)[1]["__auto"] == "3600s"
    assert steps.loki(width, "1m", instant=False)[0] == 60_000
    assert "__rate_interval" not in own
