from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from alerting.responder.healing.interfaces import Stores
from tests.unit.alerting.responder.healing.conftest import BEGAN

Notify = Callable[..., None]
LATER = "2025-11-23T19:00:00Z"
STEPS = {
    "fired": ("InstanceDown", "firing"),
    "resolved": ("InstanceDown", "resolved"),
    "fired again": ("InstanceDown", "firing", LATER),
}


def test_notified_alert_fires(notify: Notify, stores: Stores) -> None:
    notify()
    (firing,) = stores.alerts.firing()
    assert firing.target.alert == "InstanceDown"
    assert (firing.target.service, firing.target.instance) == ("web", "web-1")
    assert firing.target.firing_since == pytest.approx(BEGAN.timestamp(), abs=0.2)
    assert firing.target.last_notified == BEGAN.timestamp()


def test_resolved_alert_does_not_fire(notify: Notify, stores: Stores) -> None:
    notify()
    notify("InstanceDown", "resolved")
    assert stores.alerts.firing() == []


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" - ".join)
def test_order_of_notifications_does_not_matter(
    order: tuple[str, ...], notify: Notify, stores: Stores
) -> None:
    for name in order:
        notify(*STEPS[name])
    (firing,) = stores.alerts.firing()
    assert firing.target.firing_since > BEGAN.timestamp() + 7000


def test_late_notification_does_not_fire_again(notify: Notify, stores: Stores) -> None:
    notify("InstanceDown", "resolved")
    notify()
    assert stores.alerts.firing() == []


def test_repeated_notification_updates_its_time(notify: Notify, stores: Stores) -> None:
    notify()
    notify(at=BEGAN + timedelta(hours=4))
    (firing,) = stores.alerts.firing()
    assert firing.target.last_notified == BEGAN.timestamp() + 4 * 3600


def test_takeover_lasts_until_the_alert_fires_anew(notify: Notify, stores: Stores) -> None:
    notify()
    stores.alerts.take_over(stores.alerts.firing()[0].fingerprint)
    notify(at=BEGAN + timedelta(hours=4))
    assert stores.alerts.firing()[0].taken_over
    notify("InstanceDown", "firing", LATER)
    assert not stores.alerts.firing()[0].taken_over


def test_old_resolved_alerts_are_deleted(notify: Notify, stores: Stores) -> None:
    notify("InstanceDown", "resolved")
    notify("Saturated", at=BEGAN + timedelta(hours=23))
    notify()
    assert len(stores.alerts.firing()) == 1
    notify("Saturated", at=BEGAN + timedelta(hours=25))
    notify()
    assert len(stores.alerts.firing()) == 2
