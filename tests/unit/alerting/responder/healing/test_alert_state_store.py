from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from alerting.responder.healing.interfaces import Stores
from tests.unit.alerting.responder.healing.conftest import BEGAN

Tell = Callable[..., None]
LATER = "2025-11-23T19:00:00Z"
STEPS = {
    "fired": ("InstanceDown", "firing"),
    "resolved": ("InstanceDown", "resolved"),
    "fired again": ("InstanceDown", "firing", LATER),
}


def test_what_is_told_fires(tell: Tell, stores: Stores) -> None:
    tell()
    (firing,) = stores.alerts.firing()
    assert firing.target.alert == "InstanceDown"
    assert (firing.target.service, firing.target.instance) == ("web", "web-1")
    assert firing.target.firing_since == pytest.approx(BEGAN.timestamp(), abs=0.2)
    assert firing.target.last_notified == BEGAN.timestamp()


def test_what_is_resolved_fires_no_more(tell: Tell, stores: Stores) -> None:
    tell()
    tell("InstanceDown", "resolved")
    assert stores.alerts.firing() == []


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" - ".join)
def test_any_order_has_the_same_end(order: tuple[str, ...], tell: Tell, stores: Stores) -> None:
    for name in order:
        tell(*STEPS[name])
    (firing,) = stores.alerts.firing()
    assert firing.target.firing_since > BEGAN.timestamp() + 7000


def test_a_late_word_does_not_bring_it_back(tell: Tell, stores: Stores) -> None:
    tell("InstanceDown", "resolved")
    tell()
    assert stores.alerts.firing() == []


def test_a_reminder_is_heard(tell: Tell, stores: Stores) -> None:
    tell()
    tell(at=BEGAN + timedelta(hours=4))
    (firing,) = stores.alerts.firing()
    assert firing.target.last_notified == BEGAN.timestamp() + 4 * 3600


def test_taken_over_lasts_until_it_fires_anew(tell: Tell, stores: Stores) -> None:
    tell()
    stores.alerts.take_over(stores.alerts.firing()[0].fingerprint)
    tell(at=BEGAN + timedelta(hours=4))
    assert stores.alerts.firing()[0].taken_over
    tell("InstanceDown", "firing", LATER)
    assert not stores.alerts.firing()[0].taken_over


def test_what_was_resolved_long_ago_is_forgotten(tell: Tell, stores: Stores) -> None:
    tell("InstanceDown", "resolved")
    tell("Saturated", at=BEGAN + timedelta(hours=23))
    tell()
    assert len(stores.alerts.firing()) == 1
    tell("Saturated", at=BEGAN + timedelta(hours=25))
    tell()
    assert len(stores.alerts.firing()) == 2
