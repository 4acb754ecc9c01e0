from __future__ import annotations

from datetime import timedelta

from alerting.responder.healing.interfaces import Stores
from tests.unit.alerting.responder.healing.conftest import BEGAN


def test_pause_keeps_its_time(stores: Stores) -> None:
    assert stores.flags.since("paused") is None
    assert stores.flags.set("paused", BEGAN)
    assert not stores.flags.set("paused", BEGAN + timedelta(hours=1))
    assert stores.flags.since("paused") == BEGAN.timestamp()
    assert stores.flags.clear("paused")
    assert not stores.flags.clear("paused")


def test_closing_the_circuit_resets_the_budget(stores: Stores) -> None:
    stores.flags.set("circuit_open", BEGAN)
    later = BEGAN + timedelta(minutes=5)
    assert stores.flags.close_circuit(later)
    assert stores.flags.since("circuit_open") is None
    assert stores.flags.since("budget_reset") == later.timestamp()
    assert not stores.flags.close_circuit(later)
