from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from alertdrill_telemetry.metrics import Metrics
from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from alerting.responder.healing import executor as module
from alerting.responder.healing.executor import Executor
from alerting.responder.healing.planner import Plan
from alerting.responder.healing.store import Action, Decision, HealingStore
from alerting.responder.metrics import ResponderMetrics
from tests.unit.alerting.responder.healing.samples import (
    BEGAN,
    BUSY,
    HUNG,
    SNAPSHOT,
    FakeControlApi,
    create,
    wait,
)

Perform = Callable[[Action], None]


@pytest.fixture
def control_api() -> FakeControlApi:
    return FakeControlApi()


@pytest.fixture
def executor(store: HealingStore, control_api: FakeControlApi) -> Executor:
    return Executor(store, control_api, ResponderMetrics(Metrics(), []))


@pytest.fixture
def perform(executor: Executor) -> Perform:
    def run(action: Action) -> None:
        executor.submit(action)
        wait(lambda: action.id not in executor.executing(), "the end of the action")

    return run


def test_actions_are_requested(
    perform: Perform, store: HealingStore, control_api: FakeControlApi
) -> None:
    restart = create(store, grace_period=0.0)
    out = Decision(BUSY, "scale_out", "web", "approved", "so", instances=3)
    scale_out = store.create(out, BEGAN)
    perform(restart)
    perform(scale_out)
    assert control_api.calls == [
        ("restart", "web-1", 0.0, restart.key),
        ("scale", "web", 3, scale_out.key),
    ]
    assert restart.key != scale_out.key


@pytest.mark.parametrize(
    ("errors", "timeout", "calls", "outcome"),
    [
        ([], 60.0, 1, ("done", "")),
        ([ControlApiError("no label.")], 60.0, 1, ("failed", "no label.")),
        ([ControlApiUnavailableError("no answer.")] * 2, 60.0, 3, ("done", "")),
        ([ControlApiUnavailableError("no answer.")] * 2, 0.0, 1, ("failed", "no answer.")),
    ],
    ids=["done", "refused", "retried", "timed out"],
)
def test_outcome_is_recorded(
    perform: Perform,
    store: HealingStore,
    control_api: FakeControlApi,
    monkeypatch: pytest.MonkeyPatch,
    errors: list[Exception],
    timeout: float,
    calls: int,
    outcome: tuple[str, str],
) -> None:
    monkeypatch.setattr(module, "RETRY_INTERVAL_S", 0.01)
    monkeypatch.setattr(module, "RETRY_TIMEOUT_S", timeout)
    control_api.errors = list(errors)
    action = create(store)
    perform(action)
    assert [call[-1] for call in control_api.calls] == [action.key] * calls
    (row,) = store.find(9)
    assert (row["state"], row["message"]) == outcome
    assert row["finished_at"] is not None


def test_action_runs_once_at_a_time(
    executor: Executor, store: HealingStore, control_api: FakeControlApi
) -> None:
    go_on = Event()
    control_api.act = lambda: go_on.wait(10)
    action = create(store)
    for _ in range(3):
        executor.submit(action)
    wait(lambda: bool(control_api.calls), "the request")
    go_on.set()
    wait(lambda: action.id not in executor.executing(), "the end of the action")
    assert len(control_api.calls) == 1


def test_cancelled_action_stays_cancelled(
    perform: Perform, store: HealingStore, control_api: FakeControlApi
) -> None:
    action = create(store)
    control_api.act = lambda: store.cancel(action.id, "an operator")
    perform(action)
    (row,) = store.find(9)
    assert (row["state"], row["message"]) == ("cancelled", "an operator")
    assert row["finished_at"] is not None


def test_repeated_skip_is_recorded_and_logged_once(
    executor: Executor, store: HealingStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    skip = Decision(HUNG, "none", "web-1", "paused", "the responder is paused")
    for _ in range(2):
        executor.apply(Plan([skip], replace(SNAPSHOT, alerts=[HUNG])), BEGAN)
    (row,) = store.decisions(9)
    assert (row["alert"], row["action"], row["code"]) == ("InstanceHung", "none", "paused")
    assert (row["instance"], row["fingerprint"]) == ("web-1", "print")
    (record,) = caplog.records
    assert record.message == "Decision on InstanceHung: no action: the responder is paused"
