"""Slow clients cost others nothing: neither an answer nor an error of the service."""

from __future__ import annotations

import pytest

from tests.e2e.stack import Stack, poll_until
from tests.e2e.traffic import Traffic, slow_clients

pytestmark = pytest.mark.stack
CLIENTS = 200
KINDS = ("heads", "bodies", "large_bodies", "readers")
# Twenty seconds: longer than the load balancer lets any of them go on.
REQUESTS = 500
CONNECTIONS = 'haproxy_frontend_current_sessions{proxy="public"}'
FAILURES = 'sum(haproxy_backend_http_responses_total{code="5xx"})'


@pytest.mark.parametrize("sources", [1, 200])
def test_no_request_fails_beside_slow_clients(stack: Stack, sources: int) -> None:
    stack.wait_for_scrape()
    before = stack.total(FAILURES)
    counts = dict.fromkeys(KINDS, CLIENTS) | {"sources": sources}
    with slow_clients(stack.url("lb", "/process"), **counts):
        # Some of them connect again at any time.
        poll_until(lambda: stack.total(CONNECTIONS) > 3 * CLIENTS, "the slow clients", 30)
        with Traffic(stack.url("lb")) as traffic:
            poll_until(lambda: len(traffic.since(0)) >= REQUESTS, "the requests", 60)
    assert {answer.status for answer in traffic.since(0)} == {200}
    stack.wait_for_scrape()
    assert stack.total(FAILURES) == before
