from typing import Any

import pytest

from alertdrill.annotations import AnnotationError
from alertdrill.drills import publish as module
from alertdrill.drills.outcome import Outcome
from alertdrill.drills.publish import AnnotationPublisher, annotation_text
from tests.unit.alertdrill.drills.fakes import FakeProgress

RUNTIME: Any = object()


def outcome(verdict: Any = "passed", reason: str = "") -> Outcome:
    return Outcome(
        *("InstanceHung", "web-2 is frozen.", "pause web-2", "ticket", verdict, reason),
        began=1000.0,
        ended=1050.0,
    )


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(module, "post_annotation", lambda _, note: found.append(note))
    return found


def test_note_has_alert_and_verdict(left: list[Any]) -> None:
    AnnotationPublisher(RUNTIME, FakeProgress()).publish(outcome())
    [note] = left
    assert (note.began, note.ended, list(note.tags)) == (
        *(1000.0, 1050.0),
        ["drill", "InstanceHung", "passed"],
    )


def test_words_say_why() -> None:
    assert annotation_text(outcome()) == "Drill InstanceHung: web-2 is frozen. Passed."
    said = annotation_text(outcome("failed", "It never fired."))
    assert said == "Drill InstanceHung: web-2 is frozen. Failed: It never fired."


def test_skipped_drill_has_no_note(left: list[Any]) -> None:
    AnnotationPublisher(RUNTIME, FakeProgress()).publish(outcome("skipped"))
    assert left == []


def test_refusal_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AnnotationError("Grafana took no note.")

    monkeypatch.setattr(module, "post_annotation", refuse)
    progress = FakeProgress()
    annotations = AnnotationPublisher(RUNTIME, progress)
    for _ in range(3):
        annotations.publish(outcome())
    assert progress.events == [("note", "Grafana took no note.")]
