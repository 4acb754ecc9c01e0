"""In a storm of alerts the responder heals what is down, within its budget."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.compressed_stack import (
    DECISION_TIMEOUT_S,
    RESPONSE_TIMEOUT_S,
    RESTART_TIMEOUT_S,
    CompressedStack,
    labels,
    running,
)
from tests.e2e.stack import native_only, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), native_only]
STORM = 500
# What alerting/policy.yml allows for one service within half an hour.
BUDGET = 7
# Seven graceful restarts of one service, one after the other, are 35 s here.
SPENT_TIMEOUT_S = 150.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompressedStack]:
    """Start a stack with four instances of web."""
    with running(tmp_path_factory.mktemp("storms"), instances={"web": 4}) as stack:
        yield stack


@pytest.fixture
def stack(home: CompressedStack) -> CompressedStack:
    """Return the stack when every instance is ready, with the whole budget."""
    poll_until(home.all_ready, "every instance to be ready", RESTART_TIMEOUT_S)
    assert home.command("/resume").status_code == 200
    return home


def test_storm_heals_only_what_is_down(stack: CompressedStack) -> None:
    before = stack.last_action()
    real = [
        (service, f"{service}-{n}") for service in ("web", "data-service") for n in (1, 2, 3, 4)
    ]
    storm = [labels("InstanceDown", name, service, job="services") for service, name in real]
    # Alertmanager inhibits InstanceDown of an instance that hangs.
    storm += [labels("InstanceHung", name, service) for service, name in real if name != "web-3"]
    # The instance that hangs, under the names of other services.
    storm += [labels("InstanceHung", "web-2", f"other-{n}") for n in range(40)]
    for n in range(STORM - len(storm)):
        alert = ("InstanceHung", "InstanceDown")[n % 2]
        storm.append(labels(alert, f"lost-{n}-1", f"lost-{n}", job="services"))
    assert len(storm) == STORM
    healed = [("restart", "web-2", "done"), ("restart", "web-3", "done")]
    stack.runtime.stop("web-3")
    with stack.hung("web-2"):
        stack.fire(*storm)
        stack.wait_for_decision(storm[-1], "no_target")
        poll_until(
            lambda: sorted(stack.results(before)) == healed, "both to be healed", RESTART_TIMEOUT_S
        )
        poll_until(stack.all_ready, "every instance to be ready", RESTART_TIMEOUT_S)
    stack.wait_for_reconcile()
    assert sorted(stack.results(before)) == healed
    assert exhausted(stack) == set()
    stack.resolve(*storm)


def test_budget_ends_a_storm(stack: CompressedStack) -> None:
    before = stack.last_action()
    names = [f"web-{1 + n % 4}" for n in range(STORM)]
    storm = [
        labels("MemoryLeak", name, job="services", part=str(n)) for n, name in enumerate(names)
    ]
    stack.fire(*storm)
    poll_until(lambda: exhausted(stack) == {"web"}, "its budget to be spent", SPENT_TIMEOUT_S)
    poll_until(
        lambda: "running" not in str(stack.results(before)),
        "the last to be done",
        RESTART_TIMEOUT_S,
    )
    stack.wait_for_reconcile()
    assert len(stack.results(before)) == BUDGET
    alert = {"alertname": "HealingExhausted", "service": "web", "severity": "page"}
    poll_until(
        lambda: stack.alert_state(alert) == "active",
        "HealingExhausted to fire",
        DECISION_TIMEOUT_S,
    )
    other = labels("InstanceHung", "data-service-1", "data-service")
    with stack.hung("data-service-1"):
        stack.fire(other)
        poll_until(
            lambda: stack.results(before)[BUDGET:] == [("restart", "data-service-1", "done")],
            "another service to be healed",
            RESTART_TIMEOUT_S,
        )
    stack.resolve(*storm, other)
    assert stack.command("/circuits/web/close").json()["open_circuits"] == []
    poll_until(
        lambda: not stack.alert_state(alert), "HealingExhausted to resolve", DECISION_TIMEOUT_S
    )


# The notification omits 500 of these alerts, and is too large for the responder with those.
@pytest.mark.parametrize(
    ("number", "label_bytes", "is_refused"), [(600, 3_000, False), (150, 12_000, True)]
)
def test_alerts_that_no_notification_has_are_stored_and_decided(
    stack: CompressedStack, number: int, label_bytes: int, is_refused: bool
) -> None:
    service = f"absent-{number}"
    storm = [
        labels("InstanceHung", f"{service}-{n}", service, note="x" * label_bytes)
        for n in range(number)
    ]
    stack.fire(*storm)
    poll_until(lambda: stored(stack, service) == number, "every alert to be stored", 120)
    poll_until(lambda: decided(stack, service) == number, "every alert to be decided", 60)
    if is_refused:
        failing = {"alertname": "NotificationsFailing", "reason": "clientError"}
        poll_until(lambda: stack.alert_state(failing) == "active", "the page about the loss", 60)
    stack.resolve(*storm)


def stored(stack: CompressedStack, service: str) -> int:
    """Return how many alerts of a service are in the responder's notifications."""
    rows = stack.get("/notifications", service=service, limit="1000")
    return len({alert["instance"] for row in rows for alert in row["alerts"]})


def decided(stack: CompressedStack, service: str) -> int:
    """Return for how many alerts of a service the responder found no target."""
    rows = stack.get("/decisions", limit="1000")
    return len({row["instance"] for row in rows if row["service"] == service})


def exhausted(stack: CompressedStack) -> set[str]:
    """Return the services whose budget is exhausted."""
    url = f"{stack.runtime.address('responder-ops')}/metrics"
    text = requests.get(url, timeout=RESPONSE_TIMEOUT_S).text
    return set(re.findall(r'^responder_circuit_open\{scaled_service="(.+)"\} 1.0$', text, re.M))
