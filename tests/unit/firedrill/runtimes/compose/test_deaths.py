from typing import Any

import pytest

from firedrill.runtimes.compose.deaths import GRACE, PAUSE, SECOND, Deaths, Event, read

LONG = 100 * SECOND


def told(*events: tuple[str, float]) -> Deaths:
    deaths = Deaths()
    for action, seconds in events:
        deaths.observe(Event(action, "id", "firedrill-web-1", int(seconds * SECOND)))
    return deaths


@pytest.mark.parametrize(
    "events",
    [
        [("start", 1), ("die", 10)],
        [("die", 10)],
        [("start", 1), ("stop", 2), ("start", 3), ("die", 10)],
        [("die", 10), ("die", 10)],
    ],
    ids=["killed", "killed, started long ago", "stopped before", "told twice"],
)
def test_killed_one_is_due(events: list[tuple[str, float]]) -> None:
    assert told(*events).due(LONG) == [("id", "firedrill-web-1")]


@pytest.mark.parametrize(
    "events",
    [
        [("start", 1), ("die", 10), ("stop", 10.01)],
        [("start", 1), ("stop", 9.99), ("die", 10)],
        [("start", 1), ("die", 10), ("destroy", 10.1)],
        [("start", 1), ("die", 10), ("start", 10.2)],
        [("start", 1)],
    ],
    ids=["stopped", "stop told first", "removed", "started again", "lives"],
)
def test_the_others_are_left_alone(events: list[tuple[str, float]]) -> None:
    assert told(*events).due(LONG) == []


def test_late_word_of_a_stop_is_awaited() -> None:
    deaths = told(("start", 1), ("die", 10))
    assert deaths.due(10 * SECOND + GRACE - 1) == []
    assert deaths.due(10 * SECOND + GRACE)


def test_settled_death_is_over() -> None:
    deaths = told(("die", 10))
    deaths.settle("id")
    assert deaths.due(LONG) == []
    deaths.observe(Event("die", "id", "firedrill-web-1", 20 * SECOND))
    assert deaths.due(LONG)


def test_failed_start_waits_a_little() -> None:
    deaths = told(("die", 10))
    deaths.postpone("id", LONG)
    assert deaths.due(LONG) == []
    assert deaths.due(LONG + PAUSE)


def test_only_containers_fates_are_read() -> None:
    row: dict[str, Any] = {
        "Type": "container",
        "Action": "die",
        "Actor": {"ID": "id", "Attributes": {"name": "firedrill-web-1"}},
        "timeNano": 7,
    }
    assert read(row) == Event("die", "id", "firedrill-web-1", 7)
    assert read({**row, "Action": "exec_start: python"}) is None
    assert read({**row, "Type": "network"}) is None
