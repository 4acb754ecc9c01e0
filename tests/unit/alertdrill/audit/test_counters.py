import pytest

from alertdrill.audit.access_lines import HOPS
from alertdrill.audit.counters import LbCounts, parse_lb_counts
from alertdrill.audit.errors import AuditError

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
