from __future__ import annotations

from datetime import timedelta

from alerting.responder.healing.action_store import ActionRecord, ActionSpec
from alerting.responder.healing.interfaces import Stores
from alerting.responder.healing.planner import Decision
from tests.unit.alerting.responder.healing.conftest import BEGAN
from tests.unit.alerting.responder.healing.samples import BUSY, HUNG

RESTART = Decision("restart", "web-1", "approved", "it hangs")
SKIPPED = Decision("none", "web", "max_replicas", "web has its maximum of 4")


def create(stores: Stores, spec: ActionSpec | None = None) -> ActionRecord:
    return stores.actions.create(
        "print", HUNG, RESTART, spec or ActionSpec(grace_period=0.0), BEGAN
    )


def test_action_is_recorded_before_it_starts(stores: Stores) -> None:
    record = create(stores)
    assert stores.actions.running() == [record]
    assert (record.action.kind, record.action.target, record.grace_period) == (
        "restart",
        "web-1",
        0,
    )
    assert record.action.started_at == BEGAN.timestamp()
    (decision,) = stores.actions.decisions(10)
    assert (decision["action"], decision["action_id"]) == ("restart", record.id)


def test_action_ends_once(stores: Stores) -> None:
    record = create(stores)
    assert (
        stores.actions.finish(record.id, "failed", "no", BEGAN + timedelta(seconds=3)) == "failed"
    )
    assert not stores.actions.finish(record.id, "done", "", BEGAN)
    row = stores.actions.get(record.id)
    assert row is not None
    assert (row["state"], row["message"]) == ("failed", "no")
    assert row["finished_at"] == "2025-11-23T17:00:03.000Z"


def test_cancelled_action_runs_until_it_ends(stores: Stores) -> None:
    record = create(stores)
    assert stores.actions.cancel(record.id, "an operator")
    assert [record.state for record in stores.actions.running()] == ["cancelled"]
    assert stores.actions.finish(record.id, "done", "", BEGAN) == "cancelled"
    assert not stores.actions.cancel(record.id, "an operator")
    assert stores.actions.running() == []


def test_dry_run_is_done_at_once(stores: Stores) -> None:
    record = create(stores, ActionSpec(dry_run=True))
    assert (record.state, record.action.finished_at) == ("done", BEGAN.timestamp())
    assert stores.actions.running() == []
    assert len(stores.actions.started_since(0.0)) == 1


def test_skipped_decisions_are_recorded(stores: Stores) -> None:
    stores.actions.record_skipped([("print", BUSY, SKIPPED)], BEGAN)
    (row,) = stores.actions.decisions(10)
    assert (row["alert"], row["action"], row["code"], row["reason"]) == (
        *("Saturated", "none", "max_replicas"),
        "web has its maximum of 4",
    )


def test_idempotency_keys_are_unique(stores: Stores) -> None:
    assert create(stores).key != create(stores).key


def test_resolution_is_recorded_once(stores: Stores) -> None:
    record = create(stores)
    assert stores.actions.mark_resolved(["print"], BEGAN) == []
    (item,) = stores.actions.mark_resolved([], BEGAN)
    assert item["id"] == record.id
    assert stores.actions.mark_resolved([], BEGAN) == []


def test_actions_are_found_by_start(stores: Stores) -> None:
    record = create(stores)
    stores.actions.finish(record.id, "done", "", BEGAN)
    assert len(stores.actions.started_since(BEGAN.timestamp() - 1)) == 1
    assert stores.actions.started_since(BEGAN.timestamp()) == []


def test_running_actions_are_always_found(stores: Stores) -> None:
    create(stores)
    assert len(stores.actions.started_since(BEGAN.timestamp() + 9999)) == 1


def test_actions_are_found_newest_first(stores: Stores) -> None:
    first, second = create(stores), create(stores)
    assert [item["id"] for item in stores.actions.find(10)] == [second.id, first.id]
    assert [item["id"] for item in stores.actions.find(1)] == [second.id]
    assert stores.actions.find(10, "Saturated") == []
    assert len(stores.actions.find(10, "InstanceHung")) == 2
    assert stores.actions.get(99) is None
