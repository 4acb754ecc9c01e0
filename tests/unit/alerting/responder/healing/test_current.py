from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from alerting.responder.healing.hands import Records
from tests.unit.alerting.responder.healing.conftest import BEGAN

Tell = Callable[..., None]
LATER = "2025-11-23T19:00:00Z"
STEPS = {
    "fired": ("InstanceDown", "firing"),
    "resolved": ("InstanceDown", "resolved"),
    "fired again": ("InstanceDown", "firing", LATER),
}


def test_what_is_told_fires(tell: Tell, records: Records) -> None:
    tell()
    (firing,) = records.current.firing()
    assert firing.sick.alert == "InstanceDown"
    assert (firing.sick.service, firing.sick.instance) == ("web", "web-1")
    assert firing.sick.since == pytest.approx(BEGAN.timestamp(), abs=0.2)
    assert firing.sick.heard == BEGAN.timestamp()


def test_what_is_resolved_fires_no_more(tell: Tell, records: Records) -> None:
    tell()
    tell("InstanceDown", "resolved")
    assert records.current.firing() == []


@pytest.mark.parametrize("order", list(permutations(STEPS)), ids=" - ".join)
def test_any_order_has_the_same_end(order: tuple[str, ...], tell: Tell, records: Records) -> None:
    for name in order:
        tell(*STEPS[name])
    (firing,) = records.current.firing()
    assert firing.sick.since > BEGAN.timestamp() + 7000


def test_a_late_word_does_not_bring_it_back(tell: Tell, records: Records) -> None:
    tell("InstanceDown", "resolved")
    tell()
    assert records.current.firing() == []


def test_a_reminder_is_heard(tell: Tell, records: Records) -> None:
    tell()
    tell(at=BEGAN + timedelta(hours=4))
    (firing,) = records.current.firing()
    assert firing.sick.heard == BEGAN.timestamp() + 4 * 3600


def test_taken_over_lasts_until_it_fires_anew(tell: Tell, records: Records) -> None:
    tell()
    records.current.take_over(records.current.firing()[0].fingerprint)
    tell(at=BEGAN + timedelta(hours=4))
    assert records.current.firing()[0].taken_over
    tell("InstanceDown", "firing", LATER)
    assert not records.current.firing()[0].taken_over


def test_what_was_resolved_long_ago_is_forgotten(tell: Tell, records: Records) -> None:
    tell("InstanceDown", "resolved")
    tell("Saturated", at=BEGAN + timedelta(hours=23))
    tell()
    assert len(records.current.firing()) == 1
    tell("Saturated", at=BEGAN + timedelta(hours=25))
    tell()
    assert len(records.current.firing()) == 2
