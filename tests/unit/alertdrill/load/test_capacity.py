from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alertdrill.load import capacity as module
from alertdrill.load.capacity import (
    as_json,
    find_capacity,
    html,
    junit,
    max_passing,
    next_users,
    sentence,
)
from alertdrill.load.profile import LoadError, LoadSize, load_profile
from alertdrill.load.run import LoadContext
from tests.unit.alertdrill.load.samples import capacity_of, step


class Stack:
    """A stack that meets the objectives with up to 100 clients."""

    name = "native"
    follows_new_instances = True


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> LoadContext:
    def measure(_profile: Any, size: LoadSize, _context: LoadContext, folder: Path) -> Any:
        assert folder.is_dir()
        return step(size.users, holds=size.users <= 100).measurement

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(
        "alertdrill.load.measurements.answering_instances",
        lambda *_: {"web": 2, "data-service": 1},
    )
    stack: Any = Stack()
    nothing: Any = None
    return LoadContext(nothing, stack, nothing, {}, lambda _: None)


def test_highest_rate_within_the_objectives_is_the_capacity(
    context: LoadContext, tmp_path: Path
) -> None:
    messages: list[str] = []
    context = replace(context, on_progress=messages.append)
    result = find_capacity(load_profile("capacity"), LoadSize(40, 15), context, tmp_path)
    assert [item.users for item in result.steps] == [40, 80, 160, 120, 100, 110]
    assert (result.rate, result.per_instance()) == (100, {"web": 50, "data-service": 100})
    assert (result.limit_found, len(messages)) == (True, 6)
    assert messages[2] == "160 clients: 160 requests/s, missed: p95"


def test_load_without_a_search_is_refused(context: LoadContext, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^steady has no `search`"):
        find_capacity(load_profile("steady"), LoadSize(40, 15), context, tmp_path)


def test_no_passing_step_means_no_capacity() -> None:
    result = capacity_of(passed=0, missed=40)
    assert (result.best, result.rate, result.per_instance()) == (None, 0, {})


def search_steps(capacity: int, first: int = 40, maximum: int = 800) -> list[int]:
    """Return the steps of a search on a stack that meets its objectives up to a capacity."""
    passed: dict[int, bool] = {}
    while users := next_users(passed, first, maximum, 0.1):
        passed[users] = users <= capacity
    return list(passed)


def test_steps_double_until_a_miss_then_bisect() -> None:
    assert search_steps(170) == [40, 80, 160, 320, 240, 200, 180, 170]


@pytest.mark.parametrize("capacity", [1, 5, 40, 99, 170, 555])
def test_capacity_is_exact_to_ten_percent(capacity: int) -> None:
    passed = {users: users <= capacity for users in search_steps(capacity, first=1)}
    assert (
        max_passing(passed) <= capacity <= max(max_passing(passed) + 1, max_passing(passed) * 1.1)
    )
    assert len(passed) <= 16


def test_search_stops_at_the_maximum() -> None:
    assert search_steps(10_000) == [40, 80, 160, 320, 640, 800]


def test_first_step_that_misses_gives_zero() -> None:
    steps = search_steps(0)
    assert steps[0] == 40
    assert max_passing(dict.fromkeys(steps, False)) == 0


def test_passing_step_above_a_missed_one_does_not_count() -> None:
    assert max_passing({40: True, 80: False, 160: True}) == 40


def test_sentence_has_the_rate_per_instance() -> None:
    assert sentence(capacity_of(passed=40, missed=80)) == (
        "Capacity: 40 requests/s: 20 per instance of web (2), 40 per instance of data-service (1)."
    )


def test_sentence_says_at_least_when_the_search_reached_its_maximum() -> None:
    assert sentence(capacity_of(passed=40, missed=0)).startswith("Capacity: at least 40 requests/s")


def test_json_has_every_step() -> None:
    report = json.loads(as_json(capacity_of(passed=40, missed=80)))
    assert (report["capacity"], report["per_instance"]["web"]) == (40, 20)
    assert [(step["users"], step["passed"]) for step in report["steps"]] == [
        (40, True),
        (80, False),
    ]


def test_junit_fails_without_any_capacity() -> None:
    suite = ET.fromstring(junit(capacity_of(passed=0, missed=40))).find("testsuite")
    assert suite is not None
    assert suite.get("failures") == "1"
    assert "start with fewer clients" in junit(capacity_of(passed=0, missed=40))
    assert ET.fromstring(junit(capacity_of(passed=40, missed=80))).find(".//failure") is None


def test_page_names_the_missed_objective() -> None:
    page = html(capacity_of(passed=40, missed=80))
    assert "missed: p95" in page
    assert page.count("✓") == 1
