from dataclasses import replace

import pytest

from grafana.proof import cost
from grafana.proof.answer import Answer, Cost
from grafana.proof.asks import Ask
from grafana.proof.cost import Age
from grafana.proof.span import Span

HOUR = Ask("prometheus", "range", "rate(x[1m])", Span(0, 3_600_000), 60_000)
OLD = Age(oldest=10 * 86_400_000, scrape=5000)
LAST = Answer(cost=Cost(samples=100))


@pytest.mark.parametrize(
    ("expr", "window"),
    [("x", 5000), ("rate(x[1m])", 60_000), ("max_over_time(x[30d:1h]) + x[5m]", 2_592_000_000)],
)
def test_longest_window_is_found(expr: str, window: int) -> None:
    assert cost.longest(expr) == window


def test_each_step_costs_alike() -> None:
    assert cost.samples(HOUR, LAST, OLD) == 100 * 61
    assert cost.samples(replace(HOUR, kind="instant", step=0), LAST, OLD) == 100


def test_young_store_is_reckoned_up() -> None:
    month = replace(HOUR, expr="avg_over_time(x[30d])")
    assert cost.samples(month, LAST, OLD) == 100 * 61 * 3


def test_faster_scrapes_are_reckoned_down() -> None:
    rehearsal = replace(HOUR, expr="rate(x[10m])")
    assert cost.samples(rehearsal, LAST, Age(oldest=60_000, scrape=500)) == 100 * 61


def test_loki_is_reckoned_for_the_span() -> None:
    lines = Ask("loki", "range", "{}", Span(0, 3_600_000), 1000)
    read = Answer(cost=Cost(size=10))
    assert cost.size(lines, read, Age(60_000, 5000)) == 600
    assert cost.size(lines, read, OLD) == 10


def test_complaint_names_what_is_too_much() -> None:
    assert cost.complaint(Answer(), 0, 0) == ""
    assert "s is the most" in cost.complaint(Answer(cost=Cost(seconds=9)), 0, 0)
    assert "samples" in cost.complaint(Answer(), 10**9, 0)
    assert "bytes" in cost.complaint(Answer(), 0, 10**12)
