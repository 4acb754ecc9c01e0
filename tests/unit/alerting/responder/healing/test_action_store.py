from __future__ import annotations

from datetime import timedelta

from alerting.responder.healing.action_store import ActionRecord, ActionSpec
from alerting.responder.healing.interfaces import Stores
from alerting.responder.healing.planner import Decision
from tests.unit.alerting.responder.healing.conftest import BEGAN
from tests.unit.alerting.responder.healing.samples import BUSY, HUNG

RESTART = Decision("restart", "web-1", "approved", "it hangs")
NOTHING = Decision("none", "web", "max_replicas", "it has all")


def begin(stores: Stores, order: ActionSpec | None = None) -> ActionRecord:
    return stores.actions.create(
        "print", HUNG, RESTART, order or ActionSpec(grace_period=0.0), BEGAN
    )


def test_an_action_is_journalled_as_it_begins(stores: Stores) -> None:
    deed = begin(stores)
    assert stores.actions.running() == [deed]
    assert (deed.action.kind, deed.action.target, deed.grace_period) == ("restart", "web-1", 0)
    assert deed.action.started_at == BEGAN.timestamp()
    (decision,) = stores.actions.decisions(10)
    assert (decision["action"], decision["action_id"]) == ("restart", deed.id)


def test_an_action_ends_once(stores: Stores) -> None:
    deed = begin(stores)
    assert stores.actions.finish(deed.id, "failed", "no", BEGAN + timedelta(seconds=3)) == "failed"
    assert not stores.actions.finish(deed.id, "done", "", BEGAN)
    found = stores.actions.get(deed.id)
    assert found is not None
    assert (found["state"], found["message"]) == ("failed", "no")
    assert found["finished_at"] == "2025-11-23T17:00:03.000Z"


def test_a_cancelled_action_goes_on_until_it_ends(stores: Stores) -> None:
    deed = begin(stores)
    assert stores.actions.cancel(deed.id, "a human")
    assert [each.state for each in stores.actions.running()] == ["cancelled"]
    assert stores.actions.finish(deed.id, "done", "", BEGAN) == "cancelled"
    assert not stores.actions.cancel(deed.id, "a human")
    assert stores.actions.running() == []


def test_a_dry_run_is_done_at_once(stores: Stores) -> None:
    deed = begin(stores, ActionSpec(dry_run=True))
    assert (deed.state, deed.action.finished_at) == ("done", BEGAN.timestamp())
    assert stores.actions.running() == []
    assert len(stores.actions.started_since(0.0)) == 1


def test_decisions_to_do_nothing_are_journalled(stores: Stores) -> None:
    stores.actions.record_skipped([("print", BUSY, NOTHING)], BEGAN)
    (found,) = stores.actions.decisions(10)
    assert (found["alert"], found["action"], found["code"], found["reason"]) == (
        *("Saturated", "none", "max_replicas"),
        "it has all",
    )


def test_no_two_actions_share_a_key(stores: Stores) -> None:
    assert begin(stores).key != begin(stores).key


def test_the_end_of_an_alert_is_noted_once(stores: Stores) -> None:
    deed = begin(stores)
    assert stores.actions.mark_resolved(["print"], BEGAN) == []
    (item,) = stores.actions.mark_resolved([], BEGAN)
    assert item["id"] == deed.id
    assert stores.actions.mark_resolved([], BEGAN) == []


def test_the_past_is_asked_for_by_time(stores: Stores) -> None:
    deed = begin(stores)
    stores.actions.finish(deed.id, "done", "", BEGAN)
    assert len(stores.actions.started_since(BEGAN.timestamp() - 1)) == 1
    assert stores.actions.started_since(BEGAN.timestamp()) == []


def test_what_goes_on_is_never_past(stores: Stores) -> None:
    begin(stores)
    assert len(stores.actions.started_since(BEGAN.timestamp() + 9999)) == 1


def test_actions_are_found_newest_first(stores: Stores) -> None:
    first, second = begin(stores), begin(stores)
    assert [item["id"] for item in stores.actions.find(10)] == [second.id, first.id]
    assert [item["id"] for item in stores.actions.find(1)] == [second.id]
    assert stores.actions.find(10, "Saturated") == []
    assert len(stores.actions.find(10, "InstanceHung")) == 2
    assert stores.actions.get(99) is None
