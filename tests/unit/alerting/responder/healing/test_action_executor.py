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
from tests.unit.alerting.responder.healing.samples import (
    BUSY,
    HUNG,
    FakeControlApi,
    RecordingObserver,
)

RESTART = Decision("restart", "web-1", "approved", "it hangs")
OUT = Decision("scale_out", "web", "approved", "it is full")


def create(stores: Stores, decision: Decision = RESTART, **spec: float) -> ActionRecord:
    target = HUNG if decision is RESTART else BUSY
    return stores.actions.create("print", target, decision, ActionSpec(**spec), BEGAN)  # type: ignore[arg-type]


def wait(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        Event().wait(0.01)


@pytest.fixture
def observer() -> RecordingObserver:
    return RecordingObserver()


@pytest.fixture
def control_api() -> FakeControlApi:
    return FakeControlApi([], {})


@pytest.fixture
def perform(
    stores: Stores, control_api: FakeControlApi, observer: RecordingObserver
) -> Callable[[ActionRecord], ActionExecutor]:
    def run(record: ActionRecord) -> ActionExecutor:
        executor = ActionExecutor(control_api, stores.actions, observer)
        executor.submit(record)
        wait(lambda: not executor.is_running(record), "the end of the action")
        return executor

    return run


Perform = Callable[[ActionRecord], ActionExecutor]
Patch = pytest.MonkeyPatch


def test_restart_is_requested_once(
    perform: Perform, stores: Stores, control_api: FakeControlApi, observer: RecordingObserver
) -> None:
    record = create(stores, grace_period=0.0)
    perform(record)
    assert control_api.calls == [("restart", "web-1", 0.0, record.key)]
    assert observer.ends == [(record.id, "done", "")]
    assert stores.actions.running() == []


def test_scaling_requests_the_new_scale(
    perform: Perform, stores: Stores, control_api: FakeControlApi
) -> None:
    record = create(stores, OUT, instances=3)
    perform(record)
    assert control_api.calls == [("scale", "web", 3, record.key)]


def test_refused_action_fails(
    perform: Perform,
    stores: Stores,
    control_api: FakeControlApi,
    observer: RecordingObserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ControlApiError("it does not carry the label.")

    monkeypatch.setattr(control_api, "restart", refuse)
    record = create(stores)
    perform(record)
    assert observer.ends == [(record.id, "failed", "it does not carry the label.")]


def test_unavailable_control_api_is_retried(
    perform: Perform,
    stores: Stores,
    control_api: FakeControlApi,
    observer: RecordingObserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_INTERVAL_S", 0.01)
    keys: list[str] = []

    def recover(_instance: str, _grace_period: float | None, key: str) -> None:
        keys.append(key)
        if len(keys) < 3:
            raise ControlApiUnavailableError("no answer.")

    monkeypatch.setattr(control_api, "restart", recover)
    record = create(stores)
    perform(record)
    assert keys == [record.key] * 3
    assert observer.ends[0][1] == "done"


def test_retries_end_with_the_timeout(
    perform: Perform,
    stores: Stores,
    control_api: FakeControlApi,
    observer: RecordingObserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_TIMEOUT_S", 0.0)

    def unavailable(*_: object) -> None:
        raise ControlApiUnavailableError("no answer.")

    monkeypatch.setattr(control_api, "restart", unavailable)
    perform(create(stores))
    assert observer.ends[0][1:] == ("failed", "no answer.")


def test_action_runs_once_at_a_time(
    stores: Stores, control_api: FakeControlApi, observer: RecordingObserver, monkeypatch: Patch
) -> None:
    go_on = Event()
    keys: list[str] = []

    def block(_instance: str, _grace_period: float | None, key: str) -> None:
        keys.append(key)
        go_on.wait(10)

    monkeypatch.setattr(control_api, "restart", block)
    executor, record = ActionExecutor(control_api, stores.actions, observer), create(stores)
    for _ in range(3):
        executor.submit(record)
    wait(lambda: bool(keys), "the request")
    go_on.set()
    wait(lambda: not executor.is_running(record), "the end of the action")
    assert keys == [record.key]


def test_cancelled_action_stays_cancelled(
    perform: Perform,
    stores: Stores,
    control_api: FakeControlApi,
    observer: RecordingObserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = create(stores)

    def cancel(*_: object) -> None:
        stores.actions.cancel(record.id, "an operator")

    monkeypatch.setattr(control_api, "restart", cancel)
    perform(record)
    row = stores.actions.get(record.id)
    assert row is not None
    assert observer.ends == [(record.id, "cancelled", "")]
    assert (row["state"], row["message"]) == ("cancelled", "an operator")
    assert row["finished_at"] is not None
