from typing import Any

import pytest

from alertdrill.annotations import AnnotationError
from alertdrill.drills import annotate as module
from alertdrill.drills.annotate import Annotations, words
from alertdrill.drills.outcome import Outcome
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
    monkeypatch.setattr(module, "leave", lambda _, note: found.append(note))
    return found


def test_note_has_alert_and_verdict(left: list[Any]) -> None:
    Annotations(RUNTIME, FakeProgress()).note(outcome())
    [note] = left
    assert (note.began, note.ended, list(note.tags)) == (
        *(1000.0, 1050.0),
        ["drill", "InstanceHung", "passed"],
    )


def test_words_say_why() -> None:
    assert words(outcome()) == "Drill InstanceHung: web-2 is frozen. Passed."
    said = words(outcome("failed", "It never fired."))
    assert said == "Drill InstanceHung: web-2 is frozen. Failed: It never fired."


def test_skipped_drill_has_no_note(left: list[Any]) -> None:
    Annotations(RUNTIME, FakeProgress()).note(outcome("skipped"))
    assert left == []


def test_refusal_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AnnotationError("Grafana took no note.")

    monkeypatch.setattr(module, "leave", refuse)
    progress = FakeProgress()
    annotations = Annotations(RUNTIME, progress)
    for _ in range(3):
        annotations.note(outcome())
    assert progress.seen == [("note", "Grafana took no note.")]
