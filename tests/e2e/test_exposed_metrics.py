"""A stack exposes what the dashboards ask for, under the labels that the list has."""

from __future__ import annotations

import json
import signal
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from alertdrill.settings import ROOT
from tests.e2e.stack import Stack, poll_until
from tests.e2e.test_load import started

pytestmark = pytest.mark.stack
LISTED: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (ROOT / "tests/contract/exposed.yml").read_text()
)
# Rules are worked out without a stack, and what is rare may never have been there.
ELSEWHERE = {"rules", "rarely"}
# Who must be there for the rest; the load balancer always is.
OPTIONAL = {"loki": "loki", "collector": "collector"}
# Until Watchdog is told of for the first time (some 20 s), with room for a busy machine.
PATIENCE = 120


class Missing(dict[str, set[str]]):
    """What is not exposed yet, by its metric; true once there is nothing of it."""

    def __bool__(self) -> bool:
        """Say whether the wait is over."""
        return not len(self)


@pytest.fixture(scope="module")
def load(stack: Stack) -> Iterator[None]:
    """Make a light load meanwhile, so that Locust is scraped and everything is counted."""
    with started(stack, "--users", "3", "--for", "20m") as running:
        yield
        running.send_signal(signal.SIGINT)
        running.communicate()


def labels(stack: Stack, metric: str) -> set[str]:
    """Return all labels of a metric's series."""
    question = urllib.parse.urlencode({"match[]": metric})
    with urllib.request.urlopen(stack.url("prometheus", f"/api/v1/series?{question}")) as answer:
        found = json.load(answer)["data"]
    return {name for series in found for name in series}


def parts(stack: Stack) -> dict[str, list[str]]:
    """Return what this stack must expose: a host without Loki has none of its metrics."""
    there = {instance.rpartition("-")[0] for instance in stack.instances()}
    return {
        metric: names
        for part, metrics in LISTED.items()
        if part not in ELSEWHERE and OPTIONAL.get(part, "lb") in there
        for metric, names in metrics.items()
    }


@pytest.mark.timeout(PATIENCE + 60)
@pytest.mark.usefixtures("load")
def test_stack_exposes_what_dashboards_ask_for(stack: Stack) -> None:
    awaited = Missing({metric: set(names) for metric, names in parts(stack).items()})

    def missing() -> Missing:
        for metric in list(awaited):
            if {"__name__", *awaited[metric]} <= labels(stack, metric):
                del awaited[metric]
        return awaited

    assert len(awaited) > 60
    poll_until(missing, "what dashboards ask for to be exposed", PATIENCE)
