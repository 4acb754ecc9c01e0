"""With Loki and the collector on the PATH, the log lines are found in Loki."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
import requests

from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import Stack, poll_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.loki,
    needs_loki_and_collector,
]


def test_request_is_found_by_its_trace(stack: Stack) -> None:
    query = f'{{service=~".+"}} | trace_id="{stack.send_traced_request()}"'
    services = {"lb", "web", "data-service"}
    poll_until(lambda: {labels["service"] for labels in find(stack, query)} == services, query, 20)


def test_every_request_is_found_once(stack: Stack) -> None:
    mark = f"once-{secrets.token_hex(4)}"
    for number in range(200):
        headers = {"X-Request-ID": f"{mark}-{number}"}
        requests.post(stack.url("lb", "/process"), json=[{"x": 1}], headers=headers, timeout=5)
    query = f'{{service="web"}} | logger="access" | request_id=~"{mark}-.*"'
    poll_until(lambda: len(find(stack, query)) >= 200, query, 20)
    assert len({labels["request_id"] for labels in find(stack, query)}) == 200
    assert len(find(stack, query)) == 200


def find(stack: Stack, logql: str) -> list[dict[str, Any]]:
    """Return the labels of each line of the last five minutes that the query finds."""
    response = requests.get(
        stack.url("loki", "/loki/api/v1/query_range"),
        params={"query": logql, "limit": "1000", "start": str(time.time() - 300)},
        timeout=10,
    )
    response.raise_for_status()
    streams = response.json()["data"]["result"]
    return [stream["stream"] for stream in streams for _ in stream["values"]]
