from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from alerting.responder.healing import executor as module
from alerting.responder.healing.executor import Executor
from alerting.responder.healing.planner import Plan, Skip
from alerting.responder.healing_store import ActionRecord, HealingStores
from alerting.responder.metrics import HealingMetrics
from apps.telemetry.metrics import Metrics
from tests.unit.alerting.responder.healing.samples import (
    BEGAN,
    BUSY,
    HUNG,
    SNAPSHOT,
    FakeControlApi,
    wait,
)

Perform = Callable[[ActionRecord], None]


def create(stores: HealingStores, grace_period: float | None = None) -> ActionRecord:
    return stores.actions.create(
        HUNG,
        "restart",
        "web-1",
        BEGAN,
        code="approved",
        reason="it hangs",
        grace_period=grace_period,
    )


def create_scale_out(stores: HealingStores, instances: int) -> ActionRecord:
    return stores.actions.create(
        BUSY, "scale_out", "web", BEGAN, code="approved", reason="so", instances=instances
    )


@pytest.fixture
def control_api() -> FakeControlApi:
    return FakeControlApi([], {})


@pytest.fixture
def executor(stores: HealingStores, control_api: FakeControlApi) -> Executor:
    return Executor(stores, control_api, HealingMetrics(Metrics()))


@pytest.fixture
def perform(executor: Executor) -> Perform:
    def run(record: ActionRecord) -> None:
        executor.submit(record)
        wait(lambda: record.id not in executor.executing(), "the end of the action")

    return run


def test_restart_is_requested_once(
    perform: Perform, stores: HealingStores, control_api: FakeControlApi
) -> None:
    record = create(stores, grace_period=0.0)
    perform(record)
    assert control_api.calls == [("restart", "web-1", 0.0, record.key)]
    assert stores.actions.running() == []


def test_scaling_requests_the_new_scale(
    perform: Perform, stores: HealingStores, control_api: FakeControlApi
) -> None:
    record = create_scale_out(stores, 3)
    perform(record)
    assert control_api.calls == [("scale", "web", 3, record.key)]


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
    stores: HealingStores,
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
    record = create(stores)
    perform(record)
    assert [call[-1] for call in control_api.calls] == [record.key] * calls
    (row,) = stores.actions.find(9)
    assert (row["state"], row["message"]) == outcome
    assert row["finished_at"] is not None


def test_action_runs_once_at_a_time(
    executor: Executor, stores: HealingStores, control_api: FakeControlApi
) -> None:
    go_on = Event()
    control_api.act = lambda: go_on.wait(10)
    record = create(stores)
    for _ in range(3):
        executor.submit(record)
    wait(lambda: bool(control_api.calls), "the request")
    go_on.set()
    wait(lambda: record.id not in executor.executing(), "the end of the action")
    assert len(control_api.calls) == 1


def test_cancelled_action_stays_cancelled(
    perform: Perform, stores: HealingStores, control_api: FakeControlApi
) -> None:
    record = create(stores)
    control_api.act = lambda: stores.actions.cancel(record.id, "an operator")
    perform(record)
    row = stores.actions.get(record.id)
    assert row is not None
    assert (row["state"], row["message"]) == ("cancelled", "an operator")
    assert row["finished_at"] is not None


def test_repeated_skip_is_recorded_and_logged_once(
    executor: Executor, stores: HealingStores, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    skip = Skip(HUNG, "web-1", "paused", "the responder is paused")
    for _ in range(2):
        executor.apply(Plan([skip], replace(SNAPSHOT, alerts=[HUNG])), BEGAN)
    (row,) = stores.actions.decisions(9)
    assert (row["code"], row["instance"], row["fingerprint"]) == ("paused", "web-1", "print")
    (record,) = caplog.records
    assert record.message == "Decision on InstanceHung: no action: the responder is paused"
