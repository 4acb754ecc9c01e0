from __future__ import annotations

from datetime import timedelta

from alerting.responder.healing.decide import Decision
from alerting.responder.healing.deeds import Deed, Order
from alerting.responder.healing.hands import Records
from tests.unit.alerting.responder.healing.conftest import BEGAN
from tests.unit.alerting.responder.healing.samples import BUSY, HUNG

RESTART = Decision("restart", "web-1", "approved", "it hangs")
NOTHING = Decision("none", "web", "max_replicas", "it has all")


def begin(records: Records, order: Order | None = None) -> Deed:
    return records.deeds.begin("print", HUNG, RESTART, order or Order(grace_period=0.0), BEGAN)


def test_an_action_is_journalled_as_it_begins(records: Records) -> None:
    deed = begin(records)
    assert records.deeds.running() == [deed]
    assert (deed.action.kind, deed.action.target, deed.grace_period) == ("restart", "web-1", 0)
    assert deed.action.started_at == BEGAN.timestamp()
    (decision,) = records.deeds.decisions(10)
    assert (decision["action"], decision["action_id"]) == ("restart", deed.id)


def test_an_action_ends_once(records: Records) -> None:
    deed = begin(records)
    assert records.deeds.end(deed.id, "failed", "no", BEGAN + timedelta(seconds=3)) == "failed"
    assert not records.deeds.end(deed.id, "done", "", BEGAN)
    found = records.deeds.get(deed.id)
    assert found is not None
    assert (found["state"], found["message"]) == ("failed", "no")
    assert found["finished_at"] == "2025-11-23T17:00:03.000Z"


def test_a_cancelled_action_goes_on_until_it_ends(records: Records) -> None:
    deed = begin(records)
    assert records.deeds.cancel(deed.id, "a human")
    assert [each.state for each in records.deeds.running()] == ["cancelled"]
    assert records.deeds.end(deed.id, "done", "", BEGAN) == "cancelled"
    assert not records.deeds.cancel(deed.id, "a human")
    assert records.deeds.running() == []


def test_a_dry_run_is_done_at_once(records: Records) -> None:
    deed = begin(records, Order(dry_run=True))
    assert (deed.state, deed.action.finished_at) == ("done", BEGAN.timestamp())
    assert records.deeds.running() == []
    assert len(records.deeds.since(0.0)) == 1


def test_decisions_to_do_nothing_are_journalled(records: Records) -> None:
    records.deeds.record_skipped([("print", BUSY, NOTHING)], BEGAN)
    (found,) = records.deeds.decisions(10)
    assert (found["alert"], found["action"], found["code"], found["reason"]) == (
        *("Saturated", "none", "max_replicas"),
        "it has all",
    )


def test_no_two_actions_share_a_key(records: Records) -> None:
    assert begin(records).key != begin(records).key


def test_the_end_of_an_alert_is_noted_once(records: Records) -> None:
    deed = begin(records)
    assert records.deeds.mark_resolved(["print"], BEGAN) == []
    (item,) = records.deeds.mark_resolved([], BEGAN)
    assert item["id"] == deed.id
    assert records.deeds.mark_resolved([], BEGAN) == []


def test_the_past_is_asked_for_by_time(records: Records) -> None:
    deed = begin(records)
    records.deeds.end(deed.id, "done", "", BEGAN)
    assert len(records.deeds.since(BEGAN.timestamp() - 1)) == 1
    assert records.deeds.since(BEGAN.timestamp()) == []


def test_what_goes_on_is_never_past(records: Records) -> None:
    begin(records)
    assert len(records.deeds.since(BEGAN.timestamp() + 9999)) == 1


def test_actions_are_found_newest_first(records: Records) -> None:
    first, second = begin(records), begin(records)
    assert [item["id"] for item in records.deeds.find(10)] == [second.id, first.id]
    assert [item["id"] for item in records.deeds.find(1)] == [second.id]
    assert records.deeds.find(10, "Saturated") == []
    assert len(records.deeds.find(10, "InstanceHung")) == 2
    assert records.deeds.get(99) is None
