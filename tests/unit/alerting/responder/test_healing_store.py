from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from alerting.responder.healing_store import ActionRecord, HealingStores
from tests.unit.alerting.responder.healing.samples import BEGAN, BUSY, HUNG

Notify = Callable[..., None]
LATER = "2025-11-23T19:00:00Z"
STEPS = {
    "fired": ("InstanceDown", "firing"),
    "resolved": ("InstanceDown", "resolved"),
    "fired again": ("InstanceDown", "firing", LATER),
}


def create(stores: HealingStores, *, dry_run: bool = False) -> ActionRecord:
    return stores.actions.create(
        HUNG, "restart", "web-1", BEGAN, code="approved", reason="it hangs", dry_run=dry_run
    )


def test_action_is_recorded_before_it_starts(stores: HealingStores) -> None:
    record = create(stores)
    assert stores.actions.running() == [record]
    assert (record.action.kind, record.action.target) == ("restart", "web-1")
    assert record.action.started_at == BEGAN.timestamp()
    (decision,) = stores.actions.decisions(10)
    assert (decision["action"], decision["action_id"]) == ("restart", record.id)


def test_action_ends_once(stores: HealingStores) -> None:
    record = create(stores)
    assert (
        stores.actions.finish(record.id, "failed", "no", BEGAN + timedelta(seconds=3)) == "failed"
    )
    assert not stores.actions.finish(record.id, "done", "", BEGAN)
    row = stores.actions.get(record.id)
    assert row is not None
    assert (row["state"], row["message"]) == ("failed", "no")
    assert row["finished_at"] == "2025-11-23T17:00:03.000Z"


def test_cancelled_action_runs_until_it_ends(stores: HealingStores) -> None:
    record = create(stores)
    assert stores.actions.cancel(record.id, "an operator")
    assert [record.state for record in stores.actions.running()] == ["cancelled"]
    assert stores.actions.finish(record.id, "done", "", BEGAN) == "cancelled"
    assert not stores.actions.cancel(record.id, "an operator")
    assert stores.actions.running() == []


def test_dry_run_is_done_at_once(stores: HealingStores) -> None:
    record = create(stores, dry_run=True)
    assert (record.state, record.action.finished_at) == ("done", BEGAN.timestamp())
    assert stores.actions.running() == []
    assert len(stores.actions.started_since(0.0)) == 1


def test_skipped_decisions_are_recorded(stores: HealingStores) -> None:
    stores.actions.record_skipped([(BUSY, "max_replicas", "web has its maximum of 4")], BEGAN)
    (row,) = stores.actions.decisions(10)
    assert (row["alert"], row["action"], row["code"], row["reason"]) == (
        *("Saturated", "none", "max_replicas"),
        "web has its maximum of 4",
    )


def test_idempotency_keys_are_unique(stores: HealingStores) -> None:
    assert create(stores).key != create(stores).key


def test_resolution_is_recorded_once(stores: HealingStores) -> None:
    record = create(stores)
    assert stores.actions.mark_resolved(["print"], BEGAN) == []
    (item,) = stores.actions.mark_resolved([], BEGAN)
    assert item["id"] == record.id
    assert stores.actions.mark_resolved([], BEGAN) == []


def test_actions_are_found_by_start(stores: HealingStores) -> None:
    record = create(stores)
    stores.actions.finish(record.id, "done", "", BEGAN)
    assert len(stores.actions.started_since(BEGAN.timestamp() - 1)) == 1
    assert stores.actions.started_since(BEGAN.timestamp()) == []


def test_running_actions_are_always_found(stores: HealingStores) -> None:
    create(stores)
    assert len(stores.actions.started_since(BEGAN.timestamp() + 9999)) == 1


def test_actions_are_found_newest_first(stores: HealingStores) -> None:
    first, second = create(stores), create(stores)
    assert [item["id"] for item in stores.actions.find(10)] == [second.id, first.id]
    assert [item["id"] for item in stores.actions.find(1)] == [second.id]
    assert stores.actions.find(10, "Saturated") == []
    assert len(stores.actions.find(10, "InstanceHung")) == 2
    assert stores.actions.get(99) is None


def test_notified_alert_fires(notify: Notify, stores: HealingStores) -> None:
    notify()
    (firing,) = stores.alerts.firing()
    assert firing.alert == "InstanceDown"
    assert (firing.service, firing.instance) == ("web", "web-1")
    assert firing.firing_since == pytest.approx(BEGAN.timestamp(), abs=0.2)
    assert firing.last_notified == BEGAN.timestamp()


def test_resolved_alert_does_not_fire(notify: Notify, stores: HealingStores) -> None:
    notify()
    notify("InstanceDown", "resolved")
    assert stores.alerts.firing() == []


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" - ".join)
def test_order_of_notifications_does_not_matter(
    order: tuple[str, ...], notify: Notify, stores: HealingStores
) -> None:
    for name in order:
        notify(*STEPS[name])
    (firing,) = stores.alerts.firing()
    assert firing.firing_since > BEGAN.timestamp() + 7000


def test_late_notification_does_not_fire_again(notify: Notify, stores: HealingStores) -> None:
    notify("InstanceDown", "resolved")
    notify()
    assert stores.alerts.firing() == []


def test_repeated_notification_updates_its_time(notify: Notify, stores: HealingStores) -> None:
    notify()
    notify(at=BEGAN + timedelta(hours=4))
    (firing,) = stores.alerts.firing()
    assert firing.last_notified == BEGAN.timestamp() + 4 * 3600


def test_takeover_lasts_until_the_alert_fires_anew(notify: Notify, stores: HealingStores) -> None:
    notify()
    stores.alerts.take_over(stores.alerts.firing()[0].fingerprint)
    notify(at=BEGAN + timedelta(hours=4))
    assert stores.alerts.firing()[0].taken_over
    notify("InstanceDown", "firing", LATER)
    assert not stores.alerts.firing()[0].taken_over


def test_old_resolved_alerts_are_deleted(notify: Notify, stores: HealingStores) -> None:
    notify("InstanceDown", "resolved")
    notify("Saturated", at=BEGAN + timedelta(hours=23))
    notify()
    assert len(stores.alerts.firing()) == 1
    notify("Saturated", at=BEGAN + timedelta(hours=25))
    notify()
    assert len(stores.alerts.firing()) == 2


def test_pause_keeps_its_time(stores: HealingStores) -> None:
    assert stores.flags.since("paused") is None
    assert stores.flags.set("paused", BEGAN)
    assert not stores.flags.set("paused", BEGAN + timedelta(hours=1))
    assert stores.flags.since("paused") == BEGAN.timestamp()
    assert stores.flags.clear("paused")
    assert not stores.flags.clear("paused")


def test_closing_the_circuit_resets_the_budget(stores: HealingStores) -> None:
    stores.flags.set("circuit_open", BEGAN)
    later = BEGAN + timedelta(minutes=5)
    assert stores.flags.close_circuit(later)
    assert stores.flags.since("circuit_open") is None
    assert stores.flags.since("budget_reset") == later.timestamp()
    assert not stores.flags.close_circuit(later)
