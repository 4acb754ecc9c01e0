"""With Loki and the collector on the PATH, an alert on log lines goes all the way."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.e2e.optional_programs import needs_loki_and_collector
from tests.e2e.request_faults import failing
from tests.e2e.stack import Stack, native_only, poll_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.loki,
    native_only,
    needs_loki_and_collector,
]


def test_exception_in_lines_reaches_the_responder(stack: Stack) -> None:
    def notified() -> list[dict[str, Any]]:
        requests.get(stack.url("lb", "/"), timeout=10)
        return stack.notifications(alert="UnhandledExceptions", status="firing")

    # One in 33 requests: too few for WebHighErrorRate to fire. A minute of `for`, ten seconds for
    # the group, and the first of the exceptions.
    with failing(stack, "web", 0.03):
        (notification, *_) = poll_until(notified, "the notification of UnhandledExceptions", 180)
    (alert,) = notification["alerts"]
    assert alert["labels"] == {
        "alertname": "UnhandledExceptions",
        "service": "web",
        "exception_type": "alertdrill_telemetry.faults.request_faults.FaultInjectedError",
        "severity": "ticket",
    }
    link = alert["annotations"]["runbook_url"]
    assert link == stack.url("responder", "/runbooks/UnhandledExceptions")
    assert requests.get(link, timeout=5).ok
