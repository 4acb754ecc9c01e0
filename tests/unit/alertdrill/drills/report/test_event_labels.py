from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alertdrill.drills.report.event_labels import Event, events, place_labels
from alertdrill.drills.result import DrillResult

from .conftest import Make

SIZE = 12.0


def test_events_are_chronological(drill: Make) -> None:
    assert [(event.label, event.at) for event in events(drill())] == [
        ("fault on", 0),
        ("pending 2.0 s", 2),
        ("firing 6.0 s", 6),
        ("notified 7.5 s", 7.5),
        ("fault off 10.0 s", 10),
        ("resolved +8.0 s", 18),
    ]


def test_healing_comes_before_fault_ends(healed: DrillResult) -> None:
    assert [(event.label, event.at) for event in events(healed)][-4:] == [
        ("notified 7.5 s", 7.5),
        ("healed 9.0 s", 9),
        ("resolved +5.0 s", 14),
        ("fault off 16.0 s", 16),
    ]


def test_drill_without_fault_has_no_events(drill: Make) -> None:
    assert events(drill(injected=None)) == []


def test_labels_far_apart_share_the_first_row() -> None:
    spaced = [Event("on", at, "fault on") for at in (0, 200, 400)]
    assert [label.row for label in place_labels(spaced, float, SIZE)] == [0, 0, 0]


def test_labels_close_together_go_down() -> None:
    spaced = [Event("on", at, "fault on") for at in (0, 5, 10, 200)]
    assert [label.row for label in place_labels(spaced, float, SIZE)] == [0, 1, 2, 0]


@given(st.lists(st.integers(0, 500), max_size=7).map(sorted))
def test_no_line_crosses_a_label(places: list[int]) -> None:
    marks = place_labels([Event("on", at, "notified 9.9 s") for at in places], float, SIZE)
    for number, label in enumerate(marks):
        for before in marks[:number]:
            # A line goes down from its own row, so only rows from there on matter.
            clear = label.x > before.x + len(label.event.label) * SIZE * 0.5
            assert clear or before.row < label.row
