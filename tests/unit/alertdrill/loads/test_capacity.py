from pathlib import Path
from typing import Any

import pytest

from alertdrill.loads import capacity as module
from alertdrill.loads.capacity import find_capacity
from alertdrill.loads.errors import LoadError
from alertdrill.loads.profile import load_profile
from alertdrill.loads.run import LoadContext, LoadSize
from tests.unit.alertdrill.loads.samples import found, step


class Stack:
    """Keeps the objectives with up to 100 clients."""

    name = "native"
    follows_new_instances = True


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> LoadContext:
    def measure(_plan: Any, size: LoadSize, _ground: LoadContext, folder: Path) -> Any:
        assert folder.is_dir()
        return step(size.users, holds=size.users <= 100).measurement

    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(
        "alertdrill.loads.measurements.answering_instances",
        lambda *_: {"web": 2, "data-service": 1},
    )
    stack: Any = Stack()
    nothing: Any = None
    return LoadContext(nothing, stack, nothing, {}, lambda _: [])


def test_highest_rate_that_holds_is_found(ground: LoadContext, tmp_path: Path) -> None:
    told: list[str] = []
    result = find_capacity(
        load_profile("capacity"), LoadSize(40, 15), ground, tmp_path, told.append
    )
    assert [one.users for one in result.steps] == [40, 80, 160, 120, 100, 110]
    assert (result.rate, result.per_instance()) == (100, {"web": 50, "data-service": 100})
    assert (result.limit_found, len(told)) == (True, 6)
    assert told[2] == "160 clients: 160 requests/s, missed: p95"


def test_other_loads_search_for_nothing(ground: LoadContext, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^steady has no `search`"):
        find_capacity(load_profile("steady"), LoadSize(40, 15), ground, tmp_path, lambda _: None)


def test_nothing_held_is_no_capacity() -> None:
    result = found(passed=0, missed=40)
    assert (result.best, result.rate, result.per_instance()) == (None, 0, {})
