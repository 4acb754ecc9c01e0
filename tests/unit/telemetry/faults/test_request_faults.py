from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry import problems
from alertdrill_telemetry.faults import request_faults
from alertdrill_telemetry.faults.kinds import KINDS, parse_fault
from alertdrill_telemetry.faults.state import FaultState
from tests.http_server import Peer

OPERATIONS = ("/healthz", "/metrics")


class Struck:
    """An application with request faults, and a record of their effects."""

    def __init__(self) -> None:
        self.state = FaultState()
        self.slept: list[float] = []
        self.left: list[int] = []
        self.wake: Callable[[], None] = lambda: None
        app = Flask("web", static_folder=None)
        problems.init_app(app, 1000)
        request_faults.init_app(app, self.state, self._sleep, self.left.append)
        app.add_url_rule("/", "/", lambda: "served")
        self.client: FlaskClient = app.test_client()
        operations = Flask("operations", static_folder=None)
        request_faults.delay_scrapes(operations, self.state, self._sleep)
        for path in OPERATIONS:
            operations.add_url_rule(path, path, lambda: "served")
        self.operator: FlaskClient = operations.test_client()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.wake()

    def enable(self, kind: str, **parameters: float) -> None:
        self.state.enable(parse_fault(kind, parameters))


@pytest.fixture
def struck() -> Struck:
    return Struck()


def test_latency_waits_before_serving(struck: Struck) -> None:
    struck.enable("latency", seconds=2.5)
    assert struck.client.get("/").text == "served"
    assert struck.slept == [2.5]


@pytest.mark.parametrize("status", [500, 502, 503, 520, 599])
def test_errors_answer_the_given_status(struck: Struck, status: int) -> None:
    struck.enable("errors", status=status)
    answer = struck.client.get("/")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


def test_hang_ends_with_the_fault(struck: Struck) -> None:
    struck.enable("hang")
    struck.wake = lambda: struck.state.disable("hang") if len(struck.slept) == 3 else None
    assert struck.client.get("/").text == "served"
    assert len(struck.slept) == 3


def test_crash_exits_with_its_code(struck: Struck) -> None:
    struck.enable("crash")
    struck.client.get("/")
    assert struck.left == [request_faults.CRASH_CODE]


def test_operations_get_no_faults(operator: FlaskClient) -> None:
    for kind in KINDS.keys() - {"slow_scrape", "unready"}:
        operator.put(f"/faults/{kind}", json={"duration": 60})
    for path in ("/healthz", "/readyz", "/metrics", "/faults"):
        assert operator.get(path).status_code == 200


def test_slow_scrape_delays_metrics(struck: Struck) -> None:
    struck.enable("slow_scrape", seconds=2.5)
    assert struck.operator.get("/metrics").text == "served"
    assert struck.slept == [2.5]


def test_slow_scrape_delays_nothing_else(struck: Struck) -> None:
    struck.enable("slow_scrape")
    struck.client.get("/")
    struck.operator.get("/healthz")
    struck.operator.head("/metrics")
    assert struck.slept == []


def test_probability_applies_to_scrapes(struck: Struck) -> None:
    struck.enable("slow_scrape", probability=0)
    struck.operator.get("/metrics")
    assert struck.slept == []


def test_probability_applies_to_requests(struck: Struck) -> None:
    struck.enable("errors", probability=0)
    assert struck.client.get("/").status_code == 200


def test_dependency_fails_calls_without_sending(
    app: Flask, operator: FlaskClient, peer: Peer
) -> None:
    session = app.extensions["telemetry"].session("peer")
    operator.put("/faults/dependency")
    with pytest.raises(requests.ConnectionError, match="dependency"):
        session.get(peer.url)
    assert peer.requests == []
    operator.delete("/faults/dependency")
    assert session.get(peer.url).status_code == 200
