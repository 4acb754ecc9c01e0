from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from alerting.responder.healing.action_store import ActionRecord
from alerting.responder.healing.grafana_annotator import GrafanaAnnotator
from alerting.responder.healing.planner import Decision
from alerting.responder.healing.snapshot import Action
from tests.unit.alerting.responder.healing.samples import HUNG
from tests.unit.apps.fake_peer import Answer, Peer

RECORD = ActionRecord(
    *(7, "InstanceHung", "print", Action("restart", "web", "web-1", 1000.5), "it hangs"),
    *(None, 0.0, False, "running"),
)


@pytest.fixture
def grafana() -> Iterator[Peer]:
    server = Peer()
    yield server
    server.close()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("secret\n")
    return file


def wait(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "gave up waiting for the annotation"
        Event().wait(0.01)


def test_decision_is_an_annotation(grafana: Peer, token: Path) -> None:
    annotator = GrafanaAnnotator(grafana.url, token)
    annotator.on_decision(HUNG, Decision("none", "web-1", "paused", "the responder is paused"))
    wait(lambda: bool(grafana.arrivals))
    (arrival,) = grafana.arrivals
    assert arrival.path == "/api/annotations"
    assert arrival.headers["Authorization"] == "Bearer secret"
    mark = json.loads(arrival.body)
    assert mark["tags"] == ["alertdrill", "decision", "paused"]
    assert mark["text"] == "InstanceHung: none web-1: the responder is paused"
    assert abs(mark["time"] / 1000 - time.time()) < 60


def test_action_is_a_region(grafana: Peer, token: Path) -> None:
    GrafanaAnnotator(grafana.url, token).on_action_finished(RECORD, "done", "")
    wait(lambda: bool(grafana.arrivals))
    mark = json.loads(grafana.arrivals[0].body)
    assert mark["time"] == 1000500
    assert mark["timeEnd"] > mark["time"]
    assert mark["tags"] == ["alertdrill", "action", "restart", "done"]


def test_failing_grafana_is_logged_once(
    grafana: Peer, token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    annotator = GrafanaAnnotator(grafana.url, token)
    grafana.answer = lambda: Answer(500)
    assert [annotator.post({}) for _ in range(3)] == [False] * 3
    grafana.answer = Answer
    assert [annotator.post({}) for _ in range(2)] == [True] * 2
    messages = [record.message for record in caplog.records if "Grafana" in record.message]
    assert len(messages) == 2
    assert messages[1] == "Grafana accepts annotations."


def test_annotations_wait_for_the_token(
    grafana: Peer, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerting.responder.healing.grafana_annotator.TOKEN_POLL_INTERVAL_S", 0.01)
    token.unlink()
    annotator = GrafanaAnnotator(grafana.url, token)
    annotator.on_action_finished(RECORD, "done", "")
    assert grafana.arrivals == []
    token.write_text("late")
    wait(lambda: bool(grafana.arrivals))
    assert grafana.arrivals[0].headers["Authorization"] == "Bearer late"


def test_replaced_token_is_used(grafana: Peer, token: Path) -> None:
    annotator = GrafanaAnnotator(grafana.url, token)
    for name in ("first", "second"):
        token.write_text(name)
        assert annotator.post({})
    assert [request.headers["Authorization"] for request in grafana.arrivals] == [
        *("Bearer first", "Bearer second")
    ]


def test_annotations_beyond_the_queue_are_dropped(
    token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    annotator = GrafanaAnnotator("http://127.0.0.1:9", token)
    for _ in range(600):
        annotator.on_action_finished(RECORD, "done", "")
    assert "Dropped an annotation" in caplog.text
