from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from alertdrill.annotations import AnnotationError
from alertdrill.drills import publish
from alertdrill.drills.publish import (
    AnnotationPublisher,
    ResultPublisher,
    annotation_text,
    document,
)
from alertdrill.drills.result import PHASES, DrillResult, Verdict
from alerting.responder import drill_results
from alerting.responder.validation import parse_body
from tests.http_server import FakeServer
from tests.unit.alertdrill.drills.fakes import FakeProgress, FakeRuntime, instance


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
    runtime = FakeRuntime(tmp_path)
    runtime.running = [instance("responder-1")]
    runtime.urls["responder"] = server.url
    server.answers["/drills"] = {}
    return runtime


def test_result_is_sent_with_token(runtime: Any, server: FakeServer) -> None:
    progress = FakeProgress()
    ResultPublisher(runtime, progress).publish(result(), 12)
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/drills")
    assert request.token == "the-responders-token"
    assert json.loads(request.body) == document(result(), 12)
    assert progress.events == []


def parse(sent: object) -> drill_results.DrillResult:
    return parse_body(drill_results.DrillResult, json.dumps(sent).encode())


def test_responder_accepts_the_document() -> None:
    stored = parse(document(result("failed", "It hung."), 1.5))
    assert (stored.alert, stored.verdict, stored.reason) == ("InstanceHung", "failed", "It hung.")
    assert stored.speed == 1.5
    assert stored.started_at.timestamp() == 1763917200.25
    assert stored.phase_seconds == {"pending": 1.5, "firing": 3.0, "resolved": 0.0}


@pytest.mark.parametrize(
    "verdict", [verdict for verdict in get_args(Verdict) if verdict != "skipped"]
)
def test_responder_knows_every_verdict(verdict: Verdict) -> None:
    assert parse(document(result(verdict), 12)).verdict == verdict


def test_stopped_stack_receives_no_result(runtime: Any, server: FakeServer) -> None:
    runtime.running = []
    progress = FakeProgress()
    ResultPublisher(runtime, progress).publish(result(), 12)
    assert (server.requests, progress.events) == ([], [])


def test_skipped_drill_has_no_result(runtime: Any, server: FakeServer) -> None:
    ResultPublisher(runtime, FakeProgress()).publish(result("skipped"), 12)
    assert server.requests == []


def test_refusal_is_shown_once_and_tried_again(runtime: Any, server: FakeServer) -> None:
    server.answers["/drills"] = 503
    progress = FakeProgress()
    publisher = ResultPublisher(runtime, progress)
    for _ in range(3):
        publisher.publish(result(), 12)
    [(kind, sentence)] = progress.events
    assert kind == "note"
    assert str(sentence).startswith("The responder did not accept a drill's result: http")
    assert len(server.requests) == 3


# Annotations


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    annotations: list[Any] = []
    monkeypatch.setattr(
        publish, "post_annotation", lambda _, annotation: annotations.append(annotation)
    )
    return annotations


def test_annotation_has_alert_and_verdict(runtime: Any, posted: list[Any]) -> None:
    AnnotationPublisher(runtime, FakeProgress()).publish(result())
    [annotation] = posted
    assert (annotation.began, annotation.ended) == (1763917200.25, 1763917220.0)
    assert annotation.tags == ["drill", "InstanceHung", "passed"]


def test_annotation_text_has_the_reason() -> None:
    assert annotation_text(result()) == "Drill InstanceHung: web-2 is frozen. Passed."
    text = annotation_text(result("failed", "It never fired."))
    assert text == "Drill InstanceHung: web-2 is frozen. Failed: It never fired."


def test_skipped_drill_has_no_annotation(runtime: Any, posted: list[Any]) -> None:
    AnnotationPublisher(runtime, FakeProgress()).publish(result("skipped"))
    assert posted == []


def test_refusal_of_annotation_is_shown_once(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AnnotationError("Grafana refused an annotation.")

    monkeypatch.setattr(publish, "post_annotation", refuse)
    progress = FakeProgress()
    publisher = AnnotationPublisher(runtime, progress)
    for _ in range(3):
        publisher.publish(result())
    assert progress.events == [("note", "Grafana refused an annotation.")]
