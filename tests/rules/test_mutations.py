"""Change one thing of a rule, and its tests fail: they would notice if it were wrong."""

from __future__ import annotations

import pytest

from tests.rules.mutations.check import alerts, check_alert, check_record, records
from tests.rules.mutations.rules import every_file

TESTS = every_file()
ALERTS = alerts(TESTS)
RECORDS = records(TESTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_change_of_an_alert_is_noticed(alert: str) -> None:
    assert check_alert(*ALERTS[alert]).problems == []


@pytest.mark.parametrize("record", RECORDS)
def test_every_change_of_what_it_reads_is_noticed(record: str) -> None:
    assert check_record(record, RECORDS[record]).problems == []
