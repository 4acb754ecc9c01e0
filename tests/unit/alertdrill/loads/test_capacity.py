from pathlib import Path
from typing import Any

import pytest

from alertdrill.loads import capacity as module
from alertdrill.loads.capacity import find_capacity
from alertdrill.loads.errors import LoadError
from alertdrill.loads.profile import load_profile
from alertdrill.loads.run import LoadContext, LoadSize
from tests.unit.alertdrill.loads.samples import capacity_of, step


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
        "alertdrill.loads.measurements.answering_instances",
        lambda *_: {"web": 2, "data-service": 1},
    )
    stack: Any = Stack()
    nothing: Any = None
    return LoadContext(nothing, stack, nothing, {}, lambda _: [])


def test_highest_rate_within_the_objectives_is_the_capacity(
    context: LoadContext, tmp_path: Path
) -> None:
    messages: list[str] = []
    result = find_capacity(
        load_profile("capacity"), LoadSize(40, 15), context, tmp_path, messages.append
    )
    assert [item.users for item in result.steps] == [40, 80, 160, 120, 100, 110]
    assert (result.rate, result.per_instance()) == (100, {"web": 50, "data-service": 100})
    assert (result.limit_found, len(messages)) == (True, 6)
    assert messages[2] == "160 clients: 160 requests/s, missed: p95"


def test_load_without_a_search_is_refused(context: LoadContext, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^steady has no `search`"):
        find_capacity(load_profile("steady"), LoadSize(40, 15), context, tmp_path, lambda _: None)


def test_no_passing_step_means_no_capacity() -> None:
    result = capacity_of(passed=0, missed=40)
    assert (result.best, result.rate, result.per_instance()) == (None, 0, {})
