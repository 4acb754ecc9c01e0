from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.access_lines import HOPS
from alertdrill.audit.errors import AuditError
from alertdrill.audit.request_counters import LbCounts, counter_increase, parse_lb_counts

PUBLIC, INTERNAL = HOPS[:2]
METRICS = """\
# TYPE haproxy_frontend_http_requests_total counter
haproxy_frontend_http_requests_total{proxy="public"} 120
haproxy_frontend_http_requests_total{proxy="internal"} 1.1e+02
haproxy_frontend_http_requests_total{proxy="statistics"} 7
haproxy_backend_http_requests_total{proxy="web"} 99
haproxy_backend_retry_warnings_total{proxy="web"} 1
haproxy_backend_retry_warnings_total{proxy="data-service"} 2
"""


def row(instance: str, values: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "metric": {"instance": instance},
        "values": [[moment, str(value)] for moment, value in values],
    }


def test_each_hop_has_its_counter() -> None:
    counts = parse_lb_counts(METRICS)
    assert counts.requests == {PUBLIC: 120, INTERNAL: 110}
    assert counts.retries == {"web": 1, "data-service": 2}


def test_counts_since_a_baseline_are_differences() -> None:
    before = LbCounts({PUBLIC: 20, INTERNAL: 10}, {"web": 1, "data-service": 0})
    counts = parse_lb_counts(METRICS).since(before)
    assert counts == LbCounts({PUBLIC: 100, INTERNAL: 100}, {"web": 0, "data-service": 2})


def test_missing_counter_is_an_error() -> None:
    with pytest.raises(AuditError, match="counter haproxy_backend_retry_warnings_total for web"):
        parse_lb_counts(METRICS.replace("retry", "other"))


def test_increase_starts_at_the_given_time() -> None:
    starts = [row("web-1", [(1, 0.5), (2, 0.5), (3, 0.5)])]
    assert counter_increase([row("web-1", [(1, 5), (2, 7), (3, 10)])], starts, since=2.5) == 3


def test_new_instance_counts_from_zero() -> None:
    starts = [row("web-3", [(5, 4.0), (6, 4.0)])]
    assert counter_increase([row("web-3", [(5, 2), (6, 9)])], starts, since=1) == 9


def test_restart_is_detected_by_start_time_even_if_the_count_is_higher() -> None:
    starts = [row("web-1", [(1, 0.5), (9, 8.0)])]
    assert counter_increase([row("web-1", [(1, 5), (9, 6)])], starts, since=2) == 6


def test_increase_without_a_start_time_is_the_difference() -> None:
    assert counter_increase([row("lb-1", [(1, 5), (9, 6)])], [], since=2) == 1


@given(st.lists(st.lists(st.integers(0, 50), min_size=1), min_size=1))
def test_increase_adds_up_over_restarts(runs: list[list[int]]) -> None:
    # A run is the list of increases between scrapes until the next restart.
    counted: list[tuple[float, float]] = []
    starts: list[tuple[float, float]] = []
    moment = 0
    for number, run in enumerate(runs):
        total = 0
        for increase in run:
            total, moment = total + increase, moment + 1
            counted.append((moment, total))
            starts.append((moment, float(number)))
    assert counter_increase([row("web-1", counted)], [row("web-1", starts)], 0) == sum(
        map(sum, runs)
    )
