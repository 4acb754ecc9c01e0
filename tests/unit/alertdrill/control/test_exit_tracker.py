from __future__ import annotations

import pytest

from alertdrill.control.reconcile import RETRY_DELAY_NS, STOP_GRACE_NS, ExitTracker
from alertdrill.runtimes.engine import NS_PER_SECOND

ID = "4f5e"
# By this time, a `stop` event would have arrived.
LATER = 100 * NS_PER_SECOND


def exits(*events: tuple[str, float]) -> ExitTracker:
    """Return a tracker that has recorded events of (action, seconds)."""
    tracker = ExitTracker()
    for action, seconds in events:
        tracker.record(action, ID, int(seconds * NS_PER_SECOND))
    return tracker


@pytest.mark.parametrize(
    "events",
    [
        [("die", 1)],
        [("start", 1), ("die", 2)],
        [("stop", 1), ("start", 2), ("die", 3)],
        [("die", 1), ("stop", 1.1), ("start", 2), ("die", 3)],
    ],
)
def test_killed_container_is_unexpected(events: list[tuple[str, float]]) -> None:
    assert exits(*events).unexpected(LATER) == {ID}


@pytest.mark.parametrize(
    "events",
    [
        [],
        [("start", 1)],
        [("die", 1), ("stop", 1.2)],
        [("start", 0.5), ("die", 1), ("stop", 1.2)],
        # The `stop` event may precede the exit.
        [("stop", 1), ("die", 1.001)],
        [("die", 1), ("destroy", 1.2)],
        # Restarted by the engine or by hand.
        [("die", 1), ("start", 1.2)],
        [("die", 1), ("stop", 1.1), ("start", 1.2)],
    ],
)
def test_exit_of_stopped_or_running_container_was_expected(events: list[tuple[str, float]]) -> None:
    assert exits(*events).unexpected(LATER) == frozenset()


def test_exit_waits_for_its_stop_event() -> None:
    tracker = exits(("die", 1))
    assert tracker.unexpected(NS_PER_SECOND + STOP_GRACE_NS - 1) == frozenset()
    assert tracker.unexpected(NS_PER_SECOND + STOP_GRACE_NS) == {ID}


def test_repeated_event_counts_once() -> None:
    tracker = exits(("die", 1), ("start", 2), ("die", 1))
    assert tracker.unexpected(LATER) == frozenset()
    tracker.record("die", ID, 3 * NS_PER_SECOND)
    tracker.resolve(ID)
    tracker.record("die", ID, 3 * NS_PER_SECOND)
    assert tracker.unexpected(LATER) == frozenset()


def test_resolved_container_may_exit_again() -> None:
    tracker = exits(("die", 1))
    tracker.resolve(ID)
    tracker.record("die", ID, 5 * NS_PER_SECOND)
    assert tracker.unexpected(LATER) == {ID}


def test_failed_start_is_retried() -> None:
    tracker = exits(("die", 1))
    tracker.postpone(ID, LATER)
    assert tracker.unexpected(LATER + RETRY_DELAY_NS - 1) == frozenset()
    assert tracker.unexpected(LATER + RETRY_DELAY_NS) == {ID}


def test_containers_are_kept_apart() -> None:
    tracker = exits(("die", 1), ("stop", 1.1))
    tracker.record("die", "another", NS_PER_SECOND)
    assert tracker.unexpected(LATER) == {"another"}


def test_new_container_has_its_own_state() -> None:
    tracker = exits(("die", 1), ("stop", 1.1), ("destroy", 1.2))
    tracker.record("die", "recreated", 2 * NS_PER_SECOND)
    assert tracker.unexpected(LATER) == {"recreated"}
