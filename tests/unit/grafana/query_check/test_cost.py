from dataclasses import replace

import pytest

from grafana.query_check import cost
from grafana.query_check.cost import Age
from grafana.query_check.panel_queries import QueryRequest
from grafana.query_check.results import Cost, QueryResult
from grafana.query_check.time_range import TimeRange

HOUR = QueryRequest("prometheus", "range", "rate(x[1m])", TimeRange(0, 3_600_000), 60_000)
OLD = Age(oldest=10 * 86_400_000, scrape=5000)
LAST = QueryResult(cost=Cost(samples=100))


@pytest.mark.parametrize(
    ("expr", "window"),
    [("x", 5000), ("rate(x[1m])", 60_000), ("max_over_time(x[30d:1h]) + x[5m]", 2_592_000_000)],
)
def test_longest_window_is_found(expr: str, window: int) -> None:
    assert cost.longest(expr) == window


def test_each_step_has_the_same_cost() -> None:
    assert cost.samples(HOUR, LAST, OLD) == 100 * 61
    assert cost.samples(replace(HOUR, kind="instant", step=0), LAST, OLD) == 100


def test_young_store_raises_the_estimate() -> None:
    month = replace(HOUR, expr="avg_over_time(x[30d])")
    assert cost.samples(month, LAST, OLD) == 100 * 61 * 3


def test_faster_scrapes_lower_the_estimate() -> None:
    rehearsal = replace(HOUR, expr="rate(x[10m])")
    assert cost.samples(rehearsal, LAST, Age(oldest=60_000, scrape=500)) == 100 * 61


def test_loki_cost_is_estimated_for_the_range() -> None:
    lines = QueryRequest("loki", "range", "{}", TimeRange(0, 3_600_000), 1000)
    read = QueryResult(cost=Cost(size=10))
    assert cost.size(lines, read, Age(60_000, 5000)) == 600
    assert cost.size(lines, read, OLD) == 10


def test_cost_error_names_the_maximum() -> None:
    assert cost.cost_error(QueryResult(), 0, 0) == ""
    assert "the maximum is 2 s" in cost.cost_error(QueryResult(cost=Cost(seconds=9)), 0, 0)
    assert "samples" in cost.cost_error(QueryResult(), 10**9, 0)
    assert "bytes" in cost.cost_error(QueryResult(), 0, 10**12)
