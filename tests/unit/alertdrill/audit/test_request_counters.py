from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertdrill.audit.access_lines import HOPS
from alertdrill.audit.errors import AuditError
from alertdrill.audit.request_counters import LbCounts, counter_increase, parse_lb_counts

PUBLIC, INNER = HOPS[:2]
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
    found = parse_lb_counts(METRICS)
    assert found.requests == {PUBLIC: 120, INNER: 110}
    assert found.retries == {"web": 1, "data-service": 2}


def test_growth_is_since_the_beginning() -> None:
    before = LbCounts({PUBLIC: 20, INNER: 10}, {"web": 1, "data-service": 0})
    found = parse_lb_counts(METRICS).since(before)
    assert found == LbCounts({PUBLIC: 100, INNER: 100}, {"web": 0, "data-service": 2})


def test_absent_counter_is_an_error() -> None:
    with pytest.raises(AuditError, match="counter haproxy_backend_retry_warnings_total for web"):
        parse_lb_counts(METRICS.replace("retry", "other"))


def test_growth_begins_at_its_moment() -> None:
    starts = [row("web-1", [(1, 0.5), (2, 0.5), (3, 0.5)])]
    assert counter_increase([row("web-1", [(1, 5), (2, 7), (3, 10)])], starts, since=2.5) == 3


def test_new_instance_counts_from_zero() -> None:
    starts = [row("web-3", [(5, 4.0), (6, 4.0)])]
    assert counter_increase([row("web-3", [(5, 2), (6, 9)])], starts, since=1) == 9


def test_restart_past_the_old_value_is_seen() -> None:
    starts = [row("web-1", [(1, 0.5), (9, 8.0)])]
    assert counter_increase([row("web-1", [(1, 5), (9, 6)])], starts, since=2) == 6


def test_program_without_a_start_grows() -> None:
    assert counter_increase([row("lb-1", [(1, 5), (9, 6)])], [], since=2) == 1


@given(st.lists(st.lists(st.integers(0, 50), min_size=1), min_size=1))
def test_no_restart_loses_a_count(lives: list[list[int]]) -> None:
    # Each life of an instance is what it counts between its scrapes.
    counted: list[tuple[float, float]] = []
    starts: list[tuple[float, float]] = []
    moment = 0
    for number, life in enumerate(lives):
        total = 0
        for grown in life:
            total, moment = total + grown, moment + 1
            counted.append((moment, total))
            starts.append((moment, float(number)))
    assert counter_increase([row("web-1", counted)], [row("web-1", starts)], 0) == sum(
        map(sum, lives)
    )
