"""The tests of each rule detect all of its mutations."""

from __future__ import annotations

import pytest

from tests.rules.mutations.check import alerts, check_alert, check_record, records
from tests.rules.mutations.rules import all_test_files

TESTS = all_test_files()
ALERTS = alerts(TESTS)
RECORDS = records(TESTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_mutation_of_an_alert_is_detected(alert: str) -> None:
    assert check_alert(*ALERTS[alert]).problems == []


@pytest.mark.parametrize("record", RECORDS)
def test_every_mutation_of_a_recording_rule_is_detected(record: str) -> None:
    assert check_record(record, RECORDS[record]).problems == []
