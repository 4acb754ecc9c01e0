from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from alerting.responder.healing.store import HealingStore
from tests.unit.alerting.responder.healing.samples import BEGAN, create

Notify = Callable[..., None]
LATER = "2025-11-23T19:00:00Z"
STEPS = {
    "fired": ("InstanceDown", "firing"),
    "resolved": ("InstanceDown", "resolved"),
    "fired again": ("InstanceDown", "firing", LATER),
}


def test_action_ends_once(store: HealingStore) -> None:
    action = create(store)
    assert store.finish(action.id, "failed", "no", BEGAN + timedelta(seconds=3)) == "failed"
    assert not store.finish(action.id, "done", "", BEGAN)
    row = store.get(action.id)
    assert row is not None
    assert (row["state"], row["message"]) == ("failed", "no")
    assert row["finished_at"] == "2025-11-23T17:00:03.000Z"


def test_cancelled_action_runs_until_it_ends(store: HealingStore) -> None:
    action = create(store)
    assert store.cancel(action.id, "an operator")
    (running,) = store.recent_actions(0)
    assert (running.state, running.finished_at) == ("cancelled", None)
    assert store.finish(action.id, "done", "", BEGAN) == "cancelled"
    assert not store.cancel(action.id, "an operator")


def test_actions_are_found_by_start_or_while_they_run(store: HealingStore) -> None:
    action = create(store)
    assert store.recent_actions(BEGAN.timestamp() + 9999) == [action]
    store.finish(action.id, "done", "", BEGAN)
    assert len(store.recent_actions(BEGAN.timestamp() - 1)) == 1
    assert store.recent_actions(BEGAN.timestamp()) == []


def test_notified_alert_fires_until_it_is_resolved(notify: Notify, store: HealingStore) -> None:
    notify()
    (firing,) = store.firing()
    assert firing.alert == "InstanceDown"
    assert (firing.service, firing.instance) == ("web", "web-1")
    assert firing.firing_since == pytest.approx(BEGAN.timestamp(), abs=0.2)
    assert firing.last_notified == BEGAN.timestamp()
    notify("InstanceDown", "resolved")
    assert store.firing() == []


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" - ".join)
def test_order_of_notifications_does_not_matter(
    order: tuple[str, ...], notify: Notify, store: HealingStore
) -> None:
    for name in order:
        notify(*STEPS[name])
    (firing,) = store.firing()
    assert firing.firing_since > BEGAN.timestamp() + 7000


def test_late_notification_does_not_fire_again(notify: Notify, store: HealingStore) -> None:
    notify("InstanceDown", "resolved")
    notify()
    assert store.firing() == []


def test_takeover_lasts_until_the_alert_fires_anew(notify: Notify, store: HealingStore) -> None:
    notify()
    store.take_over(store.firing()[0].fingerprint)
    notify(at=BEGAN + timedelta(hours=4))
    (firing,) = store.firing()
    assert (firing.taken_over, firing.last_notified) == (True, BEGAN.timestamp() + 4 * 3600)
    notify("InstanceDown", "firing", LATER)
    assert not store.firing()[0].taken_over


def test_old_resolved_alerts_are_deleted(notify: Notify, store: HealingStore) -> None:
    notify("InstanceDown", "resolved")
    notify("Saturated", at=BEGAN + timedelta(hours=23))
    notify()
    assert len(store.firing()) == 1
    notify("Saturated", at=BEGAN + timedelta(hours=25))
    notify()
    assert len(store.firing()) == 2


def test_flag_keeps_its_time(store: HealingStore) -> None:
    assert store.set_flag("paused", BEGAN)
    assert not store.set_flag("paused", BEGAN + timedelta(hours=1))
    assert store.flags()["paused"] == {"": BEGAN.timestamp()}
    assert store.clear_flag("paused")
    assert not store.clear_flag("paused")


LATER_S = (BEGAN + timedelta(minutes=5)).timestamp()


@pytest.mark.parametrize(
    ("service", "closed", "open_circuits", "reset"),
    [
        ("web", {"web": True}, {"data-service"}, {"web": LATER_S}),
        (
            None,
            {"web": True, "data-service": True},
            set(),
            {"web": LATER_S, "data-service": LATER_S},
        ),
        ("report", {}, {"web", "data-service"}, {}),
    ],
    ids=["one", "all", "unknown"],
)
def test_closing_a_circuit_resets_the_budget_of_its_service(
    store: HealingStore,
    service: str | None,
    closed: dict[str, bool],
    open_circuits: set[str],
    reset: dict[str, float],
) -> None:
    for name in ("web", "data-service"):
        create(store, name)
        store.set_flag("circuit_open", BEGAN, name)
    later = BEGAN + timedelta(minutes=5)
    assert store.close_circuits(later, service) == closed
    flags = store.flags()
    assert flags["circuit_open"].keys() == open_circuits
    assert flags["budget_reset"] == reset
    assert store.close_circuits(later, service) == dict.fromkeys(closed, False)
