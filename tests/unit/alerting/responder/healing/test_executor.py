from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import pytest

from alerting.responder.clients import GrafanaAnnotator
from alerting.responder.errors import ControlApiError, ControlApiUnavailableError
from alerting.responder.healing import executor as module
from alerting.responder.healing.executor import Executor
from alerting.responder.healing.planner import Action, Plan, Skip
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

Ends = Callable[[], list[tuple[str, str]]]
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
def ends(stores: HealingStores) -> Ends:
    """Return a function that returns the state and message of the actions that ended."""
    return lambda: [
        (row["state"], row["message"]) for row in stores.actions.find(9) if row["finished_at"]
    ]


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
    perform: Perform, stores: HealingStores, control_api: FakeControlApi, ends: Ends
) -> None:
    record = create(stores, grace_period=0.0)
    perform(record)
    assert control_api.calls == [("restart", "web-1", 0.0, record.key)]
    assert ends() == [("done", "")]
    assert stores.actions.running() == []


def test_scaling_requests_the_new_scale(
    perform: Perform, stores: HealingStores, control_api: FakeControlApi
) -> None:
    record = create_scale_out(stores, 3)
    perform(record)
    assert control_api.calls == [("scale", "web", 3, record.key)]


def test_refused_action_fails(
    perform: Perform,
    stores: HealingStores,
    control_api: FakeControlApi,
    ends: Ends,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ControlApiError("it does not carry the label.")

    monkeypatch.setattr(control_api, "restart", refuse)
    record = create(stores)
    perform(record)
    assert ends() == [("failed", "it does not carry the label.")]


def test_unavailable_control_api_is_retried(
    perform: Perform,
    stores: HealingStores,
    control_api: FakeControlApi,
    ends: Ends,
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
    assert ends() == [("done", "")]


def test_retries_end_with_the_timeout(
    perform: Perform,
    stores: HealingStores,
    control_api: FakeControlApi,
    ends: Ends,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_TIMEOUT_S", 0.0)

    def unavailable(*_: object) -> None:
        raise ControlApiUnavailableError("no answer.")

    monkeypatch.setattr(control_api, "restart", unavailable)
    perform(create(stores))
    assert ends() == [("failed", "no answer.")]


def test_action_runs_once_at_a_time(
    executor: Executor,
    stores: HealingStores,
    control_api: FakeControlApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = Event()
    keys: list[str] = []

    def block(_instance: str, _grace_period: float | None, key: str) -> None:
        keys.append(key)
        go_on.wait(10)

    monkeypatch.setattr(control_api, "restart", block)
    record = create(stores)
    for _ in range(3):
        executor.submit(record)
    wait(lambda: bool(keys), "the request")
    go_on.set()
    wait(lambda: record.id not in executor.executing(), "the end of the action")
    assert keys == [record.key]


def test_cancelled_action_stays_cancelled(
    perform: Perform,
    stores: HealingStores,
    control_api: FakeControlApi,
    ends: Ends,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = create(stores)

    def cancel(*_: object) -> None:
        stores.actions.cancel(record.id, "an operator")

    monkeypatch.setattr(control_api, "restart", cancel)
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


class RecordingAnnotator(GrafanaAnnotator):
    """An annotator that records the annotations."""

    def __init__(self) -> None:
        self.annotations: list[tuple[object, ...]] = []

    def annotate(self, text: str, *tags: str, started_at: float | None = None) -> None:
        self.annotations.append((text, tags, started_at))


def test_decision_and_action_are_annotated(
    stores: HealingStores, control_api: FakeControlApi
) -> None:
    annotator = RecordingAnnotator()
    executor = Executor(stores, control_api, HealingMetrics(Metrics()), annotator=annotator)
    executor.apply(Plan([Action(HUNG, "restart", "web-1", "it hangs")], SNAPSHOT), BEGAN)
    wait(lambda: len(annotator.annotations) == 2, "the annotations")
    assert annotator.annotations == [
        ("InstanceHung: restart web-1: it hangs", ("decision", "approved"), None),
        (
            "InstanceHung: restart web-1: done",
            ("action", "restart", "done"),
            BEGAN.timestamp(),
        ),
    ]
