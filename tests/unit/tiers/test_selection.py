from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from alertdrill.config import ROOT
from alertdrill.drills.model import Deadlines, Drill, FaultSpec
from tests.tiers.selection import (
    MAX_CHANGED,
    ROTATION,
    by_hash,
    choose_drills,
    mutation_tests,
)

NAMES = [f"Alert{number}" for number in range(40)]
LONG = ["Slow1", "Slow2"]


def drills(short: Iterable[str] = NAMES, long: Iterable[str] = LONG) -> Mapping[str, Drill]:
    def drill(alert: str, resolve: float) -> Drill:
        return Drill(
            alert=alert,
            description="It breaks.",
            fault=FaultSpec(kind="stop"),
            deadlines=Deadlines(detect=60.0, resolve=resolve),
        )

    return {
        **{alert: drill(alert, 60) for alert in short},
        **{alert: drill(alert, 1200) for alert in long},
    }


def test_rotation_depends_on_the_commit_alone() -> None:
    first = choose_drills("abc", drills(), [])
    assert first == choose_drills("abc", drills(reversed(NAMES)), [])
    assert len(set(first.rotation)) == ROTATION
    assert (first.changed, first.left) == ([], [])


def test_every_short_drill_has_its_turn() -> None:
    seen = {
        alert
        for commit in range(200)
        for alert in choose_drills(str(commit), drills(), []).rotation
    }
    assert seen == set(NAMES)


def test_changed_drills_run_beside_the_rotation() -> None:
    choice = choose_drills("abc", drills(), ["Alert3", "Alert7"])
    assert sorted(choice.changed) == ["Alert3", "Alert7"]
    assert len(choice.rotation) == ROTATION
    assert not set(choice.changed) & set(choice.rotation)
    assert choice.left == []


def test_what_exceeds_the_cap_is_named() -> None:
    choice = choose_drills("abc", drills(), [*NAMES, *LONG])
    assert len(choice.changed) == MAX_CHANGED
    assert sorted([*choice.changed, *choice.left]) == sorted([*NAMES, *LONG])
    assert any(all(alert in note for alert in choice.left) for note in choice.notes())


def test_long_drill_is_left_to_verify() -> None:
    choice = choose_drills("abc", drills(), ["Slow1"])
    assert (choice.changed, choice.left) == ([], ["Slow1"])


def test_unavailable_drill_takes_no_place_in_the_rotation() -> None:
    rotation = choose_drills("abc", drills(), []).rotation
    others = choose_drills("abc", drills(), [], unavailable=rotation).rotation
    assert len(others) == ROTATION
    assert not set(rotation) & set(others)


def test_changed_drill_runs_where_it_is_unavailable() -> None:
    choice = choose_drills("abc", drills(), ["Alert3"], unavailable=["Alert3"])
    assert choice.changed == ["Alert3"]


def test_change_without_a_drill_is_no_choice() -> None:
    assert choose_drills("abc", drills(), ["Gone"]).left == []


def test_order_differs_by_commit() -> None:
    assert by_hash("a", NAMES) != by_hash("b", NAMES)
    assert sorted(by_hash("a", NAMES)) == sorted(NAMES)


@pytest.mark.parametrize("kind", ["alert", "record"])
def test_mutation_tests_exist(kind: str) -> None:
    (test,) = mutation_tests(["X"], []) if kind == "alert" else mutation_tests([], ["a:b"])
    file, _, rest = test.partition("::")
    name, _, parameter = rest.partition("[")
    assert f"def {name}(" in (ROOT / file).read_text()
    assert parameter.removesuffix("]") == {"alert": "X", "record": "a:b"}[kind]
