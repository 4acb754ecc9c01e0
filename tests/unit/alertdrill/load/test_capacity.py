from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alertdrill.load import capacity as module
from alertdrill.load.capacity import find_capacity, max_passing, next_users
from alertdrill.load.profile import LoadError, LoadProfile, load_profile
from alertdrill.load.result import LoadResult
from alertdrill.load.run import LoadContext
from tests.unit.alertdrill.load.samples import FakePrometheus, capacity_of, native, step


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, messages: list[str]) -> LoadContext:
    """Return a stack that meets the objectives with up to 100 clients."""

    def measure(profile: LoadProfile, _context: LoadContext, folder: Path) -> LoadResult:
        assert folder.is_dir()
        return step(profile.users, holds=profile.users <= 100)

    monkeypatch.setattr(module, "measure", measure)
    run_load: Any = None
    return LoadContext(run_load, native(), FakePrometheus(), {}, messages.append)


def test_highest_rate_within_the_objectives_is_the_capacity(
    context: LoadContext, tmp_path: Path, messages: list[str]
) -> None:
    result = find_capacity(load_profile("capacity"), context, tmp_path)
    assert [item.profile.users for item in result.steps] == [40, 80, 160, 120, 100, 110]
    assert (result.rate, result.per_instance) == (100, {"web": 50, "data-service": 100})
    assert (result.limit_found, len(messages)) == (True, 6)
    assert messages[1:3] == [
        "80 clients: 80 requests/s, holds",
        "160 clients: 160 requests/s, missed: p95",
    ]


def test_load_without_a_search_is_refused(context: LoadContext, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^steady has no `search`"):
        find_capacity(load_profile("steady"), context, tmp_path)


def search_steps(capacity: int, first: int = 40) -> dict[int, bool]:
    """Return the steps of a search on a stack that meets its objectives up to a capacity."""
    passed: dict[int, bool] = {}
    while users := next_users(passed, first, 800, 0.1):
        passed[users] = users <= capacity
    return passed


@pytest.mark.parametrize(
    ("capacity", "steps"),
    [
        (170, [40, 80, 160, 320, 240, 200, 180, 170]),  # doubled until a miss, then bisected
        (10_000, [40, 80, 160, 320, 640, 800]),
    ],
)
def test_search_has_few_steps(capacity: int, steps: list[int]) -> None:
    assert list(search_steps(capacity)) == steps


@pytest.mark.parametrize("capacity", [1, 5, 40, 99, 170, 555])
def test_capacity_is_exact_to_ten_percent(capacity: int) -> None:
    passed = search_steps(capacity, first=1)
    result = max_passing(passed)
    assert result <= capacity <= max(result + 1, result * 1.1)
    assert len(passed) <= 16


@pytest.mark.parametrize(
    ("passed", "result"),
    [({}, 0), ({40: False}, 0), ({40: True}, 40), ({40: True, 80: False, 160: True}, 40)],
)
def test_only_steps_below_the_first_miss_count(passed: dict[int, bool], result: int) -> None:
    assert max_passing(passed) == result


def test_capacity_is_a_sentence() -> None:
    assert str(capacity_of(passed=40, missed=80)) == (
        "Capacity: 40 requests/s: 20 per instance of web (2), 40 per instance of data-service (1)."
    )
    assert str(capacity_of(passed=40, missed=0)).startswith("Capacity: at least 40 requests/s")


def test_no_passing_step_means_no_capacity() -> None:
    result = capacity_of(passed=0, missed=40)
    assert (result.best, result.rate, result.per_instance) == (None, 0, {})
    assert "start with fewer clients" in str(result)
