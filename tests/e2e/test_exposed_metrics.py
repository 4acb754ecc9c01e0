"""A stack exposes the metrics that the dashboards query, with their labels."""

from __future__ import annotations

import json
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from alertdrill.config import ROOT
from tests.e2e.stack import Stack, poll_until

pytestmark = pytest.mark.stack
LISTED: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (ROOT / "tests/contract/exposed_metrics.yml").read_text()
)
# Rules need no stack, and rare metrics may not have appeared yet.
ELSEWHERE = {"rules", "rarely"}
# The component that must run for these; the load balancer always runs.
OPTIONAL = {"loki": "loki", "collector": "collector"}
# Watchdog is notified for the first time after 20 s; the rest is for a busy machine.
TIMEOUT_S = 120


class Missing(dict[str, set[str]]):
    """The labels that are not exposed yet, by metric; true once it is empty."""

    def __bool__(self) -> bool:
        """Return whether every metric is exposed."""
        return not len(self)


@pytest.fixture(scope="module")
def load(stack: Stack) -> Iterator[None]:
    """Send a light load, so that Locust is scraped and everything is counted."""
    with stack.start("load", "--users", "3", "--for", "20m") as running:
        yield
        running.send_signal(signal.SIGINT)
        running.communicate()


def labels(stack: Stack, metric: str) -> set[str]:
    """Return all labels of a metric's series."""
    question = urllib.parse.urlencode({"match[]": metric})
    with urllib.request.urlopen(stack.url("prometheus", f"/api/v1/series?{question}")) as answer:
        every = json.load(answer)["data"]
    return {name for series in every for name in series}


def parts(stack: Stack) -> dict[str, list[str]]:
    """Return the metrics that this stack must expose: those of Loki only where it runs."""
    running = {instance.rpartition("-")[0] for instance in stack.instances()}
    return {
        metric: names
        for part, metrics in LISTED.items()
        if part not in ELSEWHERE and OPTIONAL.get(part, "lb") in running
        for metric, names in metrics.items()
    }


@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.usefixtures("load")
def test_stack_exposes_what_dashboards_query(stack: Stack) -> None:
    awaited = Missing({metric: set(names) for metric, names in parts(stack).items()})

    def missing() -> Missing:
        for metric in list(awaited):
            if {"__name__", *awaited[metric]} <= labels(stack, metric):
                del awaited[metric]
        return awaited

    assert len(awaited) > 60
    poll_until(missing, "every metric of the dashboards", TIMEOUT_S)
