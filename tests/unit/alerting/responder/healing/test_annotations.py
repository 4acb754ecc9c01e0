from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from alerting.responder.healing.annotations import Annotations
from alerting.responder.healing.decide import Decision
from alerting.responder.healing.deeds import Deed
from alerting.responder.healing.world import Action
from tests.unit.alerting.responder.healing.samples import HUNG
from tests.unit.apps.loopback import Answer, Peer

DEED = Deed(
    *(7, "InstanceHung", "print", Action("restart", "web", "web-1", 1000.5), "it hangs"),
    *(None, 0.0, False, "acting"),
)


@pytest.fixture
def grafana() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


def wait(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "gave up waiting for the annotation"
        Event().wait(0.01)


def test_a_decision_is_a_mark(grafana: Peer) -> None:
    marks = Annotations(grafana.url, "secret")
    marks.decided(HUNG, Decision("none", "web-1", "is_paused", "the responder is paused"))
    wait(lambda: bool(grafana.arrivals))
    (arrival,) = grafana.arrivals
    assert arrival.path == "/api/annotations"
    credentials = base64.b64decode(arrival.headers["Authorization"].removeprefix("Basic "))
    assert credentials == b"admin:secret"
    mark = json.loads(arrival.body)
    assert mark["tags"] == ["firedrill", "decision", "is_paused"]
    assert mark["text"] == "InstanceHung: none web-1: the responder is paused"
    assert abs(mark["time"] / 1000 - time.time()) < 60


def test_an_action_is_a_region(grafana: Peer) -> None:
    Annotations(grafana.url, "secret").ended(DEED, "done", "")
    wait(lambda: bool(grafana.arrivals))
    mark = json.loads(grafana.arrivals[0].body)
    assert mark["time"] == 1000500
    assert mark["timeEnd"] > mark["time"]
    assert mark["tags"] == ["firedrill", "action", "restart", "done"]


def test_a_grafana_that_fails_is_told_of_once(
    grafana: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    marks = Annotations(grafana.url, "secret")
    grafana.answer = lambda: Answer(500)
    assert [marks.post({}) for _ in range(3)] == [False] * 3
    grafana.answer = Answer
    assert [marks.post({}) for _ in range(2)] == [True] * 2
    said = [record.message for record in caplog.records if "Grafana" in record.message]
    assert len(said) == 2
    assert said[1] == "Grafana takes annotations."


def test_a_storm_of_marks_is_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    marks = Annotations("http://127.0.0.1:9", "secret")
    for _ in range(600):
        marks.ended(DEED, "done", "")
    assert "An annotation is dropped" in caplog.text
