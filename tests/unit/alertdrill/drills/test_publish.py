from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from alertdrill.drills.result import PHASES, DrillResult, Verdict
from alertdrill.drills.session import ResultPublisher, result_document
from alerting.responder import drill_results
from alerting.responder.validation import parse_body
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import FakeProgress, make_context
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance


def result(verdict: Any = "passed", reason: str = "") -> DrillResult:
    return DrillResult(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1763917200.25,
        ended=1763917220.0,
        times={"pending": 1.5, "firing": 3.0, "resolved": -0.001},
        limits=dict.fromkeys(PHASES, 5.0),
    )


@pytest.fixture
def runtime(tmp_path: Path, server: FakeServer) -> Any:
    runtime = FakeRuntime(tmp_path, speed=12.0)
    runtime.running = [instance("responder-1")]
    runtime.urls["responder"] = server.url
    server.answers["/drills"] = {}
    return runtime


def publisher(runtime: FakeRuntime, progress: FakeProgress) -> ResultPublisher:
    return ResultPublisher(make_context(runtime, runtime.folder, progress=progress))


def test_result_is_sent_with_token(runtime: Any, server: FakeServer) -> None:
    progress = FakeProgress()
    publisher(runtime, progress).publish(result())
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/drills")
    assert request.token == "the-responders-token"
    assert json.loads(request.body) == result_document(result(), 12)
    assert progress.events == []


def parse(sent: object) -> drill_results.DrillResult:
    return parse_body(drill_results.DrillResult, json.dumps(sent).encode())


def test_responder_accepts_the_document() -> None:
    stored = parse(result_document(result("failed", "It hung."), 1.5))
    assert (stored.alert, stored.verdict, stored.reason) == ("InstanceHung", "failed", "It hung.")
    assert stored.speed == 1.5
    assert stored.started_at.timestamp() == 1763917200.25
    assert stored.phase_seconds == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in get_args(Verdict) if verdict != "skipped"]
)
def test_responder_knows_every_verdict(verdict: Verdict) -> None:
    assert parse(result_document(result(verdict), 12)).verdict == verdict


def test_stopped_stack_receives_no_result(runtime: Any, server: FakeServer) -> None:
    runtime.running = []
    progress = FakeProgress()
    publisher(runtime, progress).publish(result())
    assert (server.requests, progress.events) == ([], [])


def test_refusal_is_shown_once_and_tried_again(runtime: Any, server: FakeServer) -> None:
    server.answers["/drills"] = 503
    progress = FakeProgress()
    refused = publisher(runtime, progress)
    for _ in range(3):
        refused.publish(result())
    [(kind, sentence)] = progress.events
    assert kind == "note"
    assert str(sentence).startswith("A drill's result did not reach the responder: http")
    assert len(server.requests) == 3


def test_skipped_drill_has_no_result(runtime: Any, server: FakeServer) -> None:
    publisher(runtime, FakeProgress()).publish(result("skipped"))
    assert server.requests == []
