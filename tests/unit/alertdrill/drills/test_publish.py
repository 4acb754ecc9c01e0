from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from alertdrill.drills.outcome import PHASES, Outcome, Verdict
from alertdrill.drills.publish import ResultPublisher, document
from alerting.responder.drill_journal import parse
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime, instance
from tests.unit.alertdrill.drills.http_server import FakeServer


def outcome(verdict: Any = "passed", reason: str = "") -> Outcome:
    return Outcome(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1763917200.25,
        ended=1763917220.0,
        times={"pending": 1.5, "firing": 3.0, "resolved": -0.001},
        limits=dict.fromkeys(PHASES, 5.0),
    )


@pytest.fixture
def runtime(tmp_path: Path, server: FakeServer) -> Any:
    made = FakeRuntime(tmp_path)
    made.running = [instance("responder-1")]
    made.urls["responder"] = server.url
    server.answers["/drills"] = {}
    return made


def test_drill_is_told_with_token(runtime: Any, server: FakeServer) -> None:
    progress = FakeProgress()
    ResultPublisher(runtime, progress).publish(outcome(), 12)
    [request] = server.requests
    assert (request.method, request.path, request.token) == (
        "POST",
        "/drills",
        "the-responders-token",
    )
    assert json.loads(request.body) == document(outcome(), 12)
    assert progress.events == []


def test_responder_takes_what_is_told() -> None:
    found = parse(json.dumps(document(outcome("failed", "It hung."), 1.5)).encode())
    assert (found.alert, found.verdict, found.reason) == ("InstanceHung", "failed", "It hung.")
    assert found.speed == 1.5
    assert found.began.timestamp() == 1763917200.25
    assert found.times == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}


@pytest.mark.parametrize("verdict", [one for one in get_args(Verdict) if one != "skipped"])
def test_responder_knows_every_verdict(verdict: Verdict) -> None:
    told = json.dumps(document(outcome(verdict), 12)).encode()
    assert parse(told).verdict == verdict


def test_stack_that_is_down_is_not_told(runtime: Any, server: FakeServer) -> None:
    runtime.running = []
    progress = FakeProgress()
    ResultPublisher(runtime, progress).publish(outcome(), 12)
    assert (server.requests, progress.events) == ([], [])


def test_skipped_drill_is_not_told(runtime: Any, server: FakeServer) -> None:
    ResultPublisher(runtime, FakeProgress()).publish(outcome("skipped"), 12)
    assert server.requests == []


def test_refusal_is_told_once_and_tried_again(runtime: Any, server: FakeServer) -> None:
    server.answers["/drills"] = 503
    progress = FakeProgress()
    results = ResultPublisher(runtime, progress)
    for _ in range(3):
        results.publish(outcome(), 12)
    [(kind, said)] = progress.events
    assert kind == "note"
    assert str(said).startswith("The responder did not accept a drill's result: http")
    assert len(server.requests) == 3
