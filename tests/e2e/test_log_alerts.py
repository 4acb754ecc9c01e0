"""With Loki and the collector on the PATH, an alert on log lines goes all the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.stack import Stack, native_only, poll_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.loki,
    native_only,
    needs_loki_and_collector,
]


@pytest.fixture
def _few_exceptions(stack: Stack) -> Iterator[None]:
    """Make web raise in one of 33 requests: too few for WebHighErrorRate to fire."""
    token = (stack.home / "native" / "faults.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    urls = [
        f"http://{instance['address']}/faults/errors"
        for instance in stack.instances().values()
        if instance["service"] == "web" and instance["pid"]
    ]
    for url in urls:
        requests.put(url, json={"probability": 0.03}, headers=headers, timeout=5).raise_for_status()
    yield
    for url in urls:
        requests.delete(url, headers=headers, timeout=5)


@pytest.mark.usefixtures("_few_exceptions")
def test_exception_in_lines_reaches_the_responder(stack: Stack) -> None:
    def notified() -> list[dict[str, Any]]:
        requests.get(stack.url("lb", "/"), timeout=10)
        return stack.notifications(alert="UnhandledExceptions", status="firing")

    # A minute of `for`, ten seconds for the group, and the first of the exceptions.
    (notification, *_) = poll_until(notified, "the notification of UnhandledExceptions", 180)
    (alert,) = notification["alerts"]
    assert alert["labels"] == {
        "alertname": "UnhandledExceptions",
        "service": "web",
        "exception_type": "apps.telemetry.faults.request_faults.FaultInjectedError",
        "severity": "ticket",
    }
    link = alert["annotations"]["runbook_url"]
    assert link == stack.url("responder", "/runbooks/UnhandledExceptions")
    assert requests.get(link, timeout=5).ok
