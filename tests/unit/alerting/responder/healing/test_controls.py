from __future__ import annotations

from datetime import timedelta

from alerting.responder.healing.hands import Records
from tests.unit.alerting.responder.healing.conftest import BEGAN


def test_a_pause_lasts_since_it_began(records: Records) -> None:
    assert records.controls.since("paused") is None
    assert records.controls.set("paused", BEGAN)
    assert not records.controls.set("paused", BEGAN + timedelta(hours=1))
    assert records.controls.since("paused") == BEGAN.timestamp()
    assert records.controls.clear("paused")
    assert not records.controls.clear("paused")


def test_closing_the_circuit_makes_the_budget_whole(records: Records) -> None:
    records.controls.set("circuit_open", BEGAN)
    later = BEGAN + timedelta(minutes=5)
    assert records.controls.close_circuit(later)
    assert records.controls.since("circuit_open") is None
    assert records.controls.since("budget_reset") == later.timestamp()
    assert not records.controls.close_circuit(later)
