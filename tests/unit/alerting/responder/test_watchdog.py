from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.responder.notifications import Filters, Notification, NotificationStore
from alerting.responder.watchdog import Watchdog

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
TIMEOUT = timedelta(seconds=180)
Notify = Callable[..., Notification]
Observed = list[tuple[datetime, bool]]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def watch(
    inbox: NotificationStore, started: datetime = NOON, observed: Observed | None = None
) -> Watchdog:
    results: Observed = [] if observed is None else observed
    return Watchdog(inbox, TIMEOUT, lambda *status: results.append(status), started)


def own_rows(inbox: NotificationStore) -> list[dict[str, Any]]:
    return [item for item in inbox.find(Filters()) if item["receiver"] == "responder"
            and item["alerts"][0]["alert"] == "WatchdogMissing"]  # fmt: skip


def test_start_counts_as_a_notification(inbox: NotificationStore, notification: Notify) -> None:
    inbox.record(notification("Watchdog"), after(-3600))
    watchdog = watch(inbox)
    assert not watchdog.check(after(180)).missing
    assert watchdog.check(after(181)).missing


def test_each_change_is_recorded_once(
    inbox: NotificationStore, notification: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    workers = [watch(inbox), watch(inbox)]
    for moment in (after(200), after(210)):
        assert all(worker.check(moment).missing for worker in workers)
    inbox.record(notification("Watchdog"), after(220))
    for moment in (after(221), after(222)):
        assert not any(worker.check(moment).missing for worker in workers)
    resolved, firing = own_rows(inbox)
    assert (firing["status"], resolved["status"]) == ("firing", "resolved")
    assert firing["alerts"][0]["ends_at"] is None
    assert resolved["alerts"][0]["starts_at"] == "2025-11-23T12:03:20.000Z"
    assert resolved["alerts"][0]["ends_at"] == "2025-11-23T12:03:41.000Z"
    levels = [record.levelname for record in caplog.records]
    assert levels == ["ERROR", "INFO"]


def test_second_outage_is_recorded_again(inbox: NotificationStore, notification: Notify) -> None:
    watchdog = watch(inbox)
    watchdog.check(after(200))
    inbox.record(notification("Watchdog"), after(220))
    watchdog.check(after(221))
    watchdog.check(after(500))
    assert [row["status"] for row in own_rows(inbox)] == ["firing", "resolved", "firing"]


def test_restart_is_not_a_recovery(inbox: NotificationStore, notification: Notify) -> None:
    inbox.record(notification("Watchdog"), NOON)
    assert watch(inbox).check(after(200)).missing
    assert watch(inbox, started=after(300)).check(after(301)).missing
    assert len(own_rows(inbox)) == 1


def test_check_observes_the_last_notification(
    inbox: NotificationStore, notification: Notify
) -> None:
    observed: Observed = []
    watchdog = watch(inbox, observed=observed)
    watchdog.check(after(1))
    inbox.record(notification("Watchdog"), after(60))
    watchdog.check(after(61))
    watchdog.check(after(300))
    assert observed == [(NOON, False), (after(60), False), (after(60), True)]
