from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import pytest

from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from alerting.responder.healing import action_executor as module
from alerting.responder.healing.action_executor import ActionExecutor
from alerting.responder.healing.action_store import ActionRecord, ActionSpec
from alerting.responder.healing.interfaces import Stores
from alerting.responder.healing.planner import Decision
from tests.unit.alerting.responder.healing.conftest import BEGAN
from tests.unit.alerting.responder.healing.samples import BUSY, HUNG, Runtime, Seen

RESTART = Decision("restart", "web-1", "approved", "it hangs")
OUT = Decision("scale_out", "web", "approved", "it is full")


def begin(stores: Stores, decision: Decision = RESTART, **order: float) -> ActionRecord:
    target = HUNG if decision is RESTART else BUSY
    return stores.actions.create("print", target, decision, ActionSpec(**order), BEGAN)  # type: ignore[arg-type]


def wait(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        Event().wait(0.01)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def runtime() -> Runtime:
    return Runtime([], {})


@pytest.fixture
def perform(
    stores: Stores, runtime: Runtime, seen: Seen
) -> Callable[[ActionRecord], ActionExecutor]:
    def all_of(deed: ActionRecord) -> ActionExecutor:
        made = ActionExecutor(runtime, stores.actions, seen)
        made.submit(deed)
        wait(lambda: not made.is_running(deed), "the end of the action")
        return made

    return all_of


Perform = Callable[[ActionRecord], ActionExecutor]
Patch = pytest.MonkeyPatch


def test_a_restart_is_asked_for_once(
    perform: Perform, stores: Stores, runtime: Runtime, seen: Seen
) -> None:
    deed = begin(stores, grace_period=0.0)
    perform(deed)
    assert runtime.asked == [("restart", "web-1", 0.0, deed.key)]
    assert seen.ends == [(deed.id, "done", "")]
    assert stores.actions.running() == []


def test_scaling_asks_for_the_new_scale(perform: Perform, stores: Stores, runtime: Runtime) -> None:
    deed = begin(stores, OUT, instances=3)
    perform(deed)
    assert runtime.asked == [("scale", "web", 3, deed.key)]


def test_a_refusal_is_a_failure(
    perform: Perform,
    stores: Stores,
    runtime: Runtime,
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ControlApiError("it does not carry the label.")

    monkeypatch.setattr(runtime, "restart", refuse)
    deed = begin(stores)
    perform(deed)
    assert seen.ends == [(deed.id, "failed", "it does not carry the label.")]


def test_who_is_away_is_asked_again(
    perform: Perform,
    stores: Stores,
    runtime: Runtime,
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_INTERVAL_S", 0.01)
    keys: list[str] = []

    def answer_late(_instance: str, _grace_period: float | None, key: str) -> None:
        keys.append(key)
        if len(keys) < 3:
            raise ControlApiUnavailableError("nobody answers.")

    monkeypatch.setattr(runtime, "restart", answer_late)
    deed = begin(stores)
    perform(deed)
    assert keys == [deed.key] * 3
    assert seen.ends[0][1] == "done"


def test_who_stays_away_fails_it(
    perform: Perform,
    stores: Stores,
    runtime: Runtime,
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_TIMEOUT_S", 0.0)

    def nobody(*_: object) -> None:
        raise ControlApiUnavailableError("nobody answers.")

    monkeypatch.setattr(runtime, "restart", nobody)
    perform(begin(stores))
    assert seen.ends[0][1:] == ("failed", "nobody answers.")


def test_the_same_deed_runs_once_at_a_time(
    stores: Stores, runtime: Runtime, seen: Seen, monkeypatch: Patch
) -> None:
    go_on = Event()
    asked: list[str] = []

    def wait_long(_instance: str, _grace_period: float | None, key: str) -> None:
        asked.append(key)
        go_on.wait(10)

    monkeypatch.setattr(runtime, "restart", wait_long)
    made, deed = ActionExecutor(runtime, stores.actions, seen), begin(stores)
    for _ in range(3):
        made.submit(deed)
    wait(lambda: bool(asked), "the question")
    go_on.set()
    wait(lambda: not made.is_running(deed), "the end of the action")
    assert asked == [deed.key]


def test_a_cancelled_action_stays_cancelled(
    perform: Perform,
    stores: Stores,
    runtime: Runtime,
    seen: Seen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deed = begin(stores)

    def cancel(*_: object) -> None:
        stores.actions.cancel(deed.id, "a human")

    monkeypatch.setattr(runtime, "restart", cancel)
    perform(deed)
    found = stores.actions.get(deed.id)
    assert found is not None
    assert seen.ends == [(deed.id, "cancelled", "")]
    assert (found["state"], found["message"]) == ("cancelled", "a human")
    assert found["finished_at"] is not None
