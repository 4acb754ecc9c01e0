from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from alerting.responder.errors import DatabaseError
from alerting.responder.filters import Filters, parse_filters
from alerting.responder.notification_store import NotificationStore
from alerting.responder.webhook_payload import Notification

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Notify = Callable[..., Notification]


def test_notification_comes_back_whole(journal: NotificationStore, notification: Notify) -> None:
    receipt = journal.record(notification(), NOON)
    (item,) = journal.find(Filters())
    assert item == {
        "id": receipt.id,
        "status": "firing",
        "receiver": "responder",
        "group_key": "{}:{alertname='InstanceDown'}",
        "received_at": "2025-11-23T12:00:00.000Z",
        "last_received_at": "2025-11-23T12:00:00.000Z",
        "deliveries": 1,
        "alerts": [
            {
                "alert": "InstanceDown",
                "status": "firing",
                "service": "web",
                "instance": "web-1",
                "severity": "ticket",
                "starts_at": "2025-11-23T17:00:00.123Z",
                "ends_at": None,
                "labels": dict(notification().alerts[0].labels),
                "annotations": {"summary": "An instance does not answer its scrapes."},
            }
        ],
    }


def test_log_is_not_copied_after_each(journal: NotificationStore, notification: Notify) -> None:
    journal.record(notification(), NOON)
    # SQLite deletes it when the last connection is closed.
    assert journal.path.with_name(f"{journal.path.name}-wal").stat().st_size > 0


def test_repeated_notification_is_stored_once(
    journal: NotificationStore, notification: Notify
) -> None:
    first = journal.record(notification(), NOON)
    again = journal.record(notification(), NOON + MINUTE)
    assert (first.duplicate, again.duplicate, again.id) == (False, True, first.id)
    (item,) = journal.find(Filters())
    assert item["deliveries"] == 2
    assert item["received_at"] == "2025-11-23T12:00:00.000Z"
    assert item["last_received_at"] == "2025-11-23T12:01:00.000Z"
    assert len(item["alerts"]) == 1


def test_threads_store_each_notification_once(
    journal: NotificationStore, notification: Notify
) -> None:
    def deliver() -> None:
        for number in range(10):
            journal.record(notification(instance=f"web-{number}", alert=f"A{number}"), NOON)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [item["deliveries"] for item in journal.find(Filters())] == [4] * 10


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"alert": "InstanceDown"}, [2, 1]),
        ({"alert": "InstanceDown", "status": "resolved"}, [2]),
        ({"severity": "page"}, [3]),
        ({"service": "data-service"}, [3]),
        ({"service": "web", "instance": "web-2"}, [4]),
        ({"service": "data-service", "instance": "web-2"}, []),
        ({"since": "2025-11-23T12:02:00Z"}, [4, 3]),
        ({"limit": "1"}, [4]),
        ({"alert": "' OR 1 --"}, []),
    ],
)
def test_filters_choose_newest_first(
    journal: NotificationStore, notification: Notify, query: dict[str, str], expected: list[int]
) -> None:
    sent = [
        notification(),
        notification(status="resolved"),
        notification("WebHighErrorRate", severity="page", service="data-service"),
        notification("Other", instance="web-2"),
    ]
    for minute, one in enumerate(sent):
        journal.record(one, NOON + minute * MINUTE)
    found = journal.find(parse_filters(query.items()))
    assert [item["id"] for item in found] == expected


def test_payload_comes_with_single_notification(
    journal: NotificationStore, notification: Notify
) -> None:
    receipt = journal.record(notification(), NOON)
    item = journal.get(receipt.id)
    assert item is not None
    assert item["payload"]["externalURL"] == "http://127.0.0.1:9093"
    assert journal.get(receipt.id + 1) is None


def test_empty_label_counts_as_missing(journal: NotificationStore, notification: Notify) -> None:
    journal.record(notification(service=""), NOON)
    assert journal.find(Filters())[0]["alerts"][0]["service"] is None


def test_change_of_group_is_stored_once(journal: NotificationStore, notification: Notify) -> None:
    assert not journal.record_change(notification(status="resolved"), NOON)
    assert journal.record_change(notification(), NOON)
    assert not journal.record_change(notification(starts="2025-11-23T18:00:00Z"), NOON)
    assert journal.record_change(notification(status="resolved"), NOON)


def test_last_firing_ignores_resolved_alerts(
    journal: NotificationStore, notification: Notify
) -> None:
    assert journal.last_firing("Watchdog") is None
    journal.record(notification("Watchdog"), NOON)
    journal.record(notification("Watchdog"), NOON + MINUTE)
    journal.record(notification("Watchdog", "resolved"), NOON + 2 * MINUTE)
    assert journal.last_firing("Watchdog") == NOON + MINUTE


def test_lost_file_is_an_error(journal: NotificationStore, notification: Notify) -> None:
    assert journal.check_writable(NOON) is None
    journal.path.unlink()
    with pytest.raises(DatabaseError, match="unable to open"):
        journal.record(notification(), NOON)
    assert "unable to open" in (journal.check_writable(NOON) or "")
    assert not journal.path.exists()
