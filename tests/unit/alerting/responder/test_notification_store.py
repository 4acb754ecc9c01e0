from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from alerting.responder.errors import DatabaseError
from alerting.responder.notification_filters import Filters, parse_filters
from alerting.responder.notification_store import NotificationStore
from alerting.responder.webhook_payload import Notification

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Notify = Callable[..., Notification]


def test_notification_is_stored_completely(store: NotificationStore, notification: Notify) -> None:
    receipt = store.record(notification(), NOON)
    (row,) = store.find(Filters())
    assert row == {
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


def test_write_ahead_log_is_kept(store: NotificationStore, notification: Notify) -> None:
    store.record(notification(), NOON)
    # SQLite deletes it when the last connection is closed.
    assert store.path.with_name(f"{store.path.name}-wal").stat().st_size > 0


def test_repeated_notification_is_stored_once(
    store: NotificationStore, notification: Notify
) -> None:
    first = store.record(notification(), NOON)
    second = store.record(notification(), NOON + MINUTE)
    assert (first.duplicate, second.duplicate, second.id) == (False, True, first.id)
    (row,) = store.find(Filters())
    assert row["deliveries"] == 2
    assert row["received_at"] == "2025-11-23T12:00:00.000Z"
    assert row["last_received_at"] == "2025-11-23T12:01:00.000Z"
    assert len(row["alerts"]) == 1


def test_threads_store_each_notification_once(
    store: NotificationStore, notification: Notify
) -> None:
    def deliver() -> None:
        for number in range(10):
            store.record(notification(instance=f"web-{number}", alert=f"A{number}"), NOON)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["deliveries"] for row in store.find(Filters())] == [4] * 10


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
def test_filtered_notifications_are_newest_first(
    store: NotificationStore, notification: Notify, query: dict[str, str], expected: list[int]
) -> None:
    sent = [
        notification(),
        notification(status="resolved"),
        notification("WebHighErrorRate", severity="page", service="data-service"),
        notification("Other", instance="web-2"),
    ]
    for minute, message in enumerate(sent):
        store.record(message, NOON + minute * MINUTE)
    rows = store.find(parse_filters(query.items()))
    assert [row["id"] for row in rows] == expected


def test_payload_comes_with_single_notification(
    store: NotificationStore, notification: Notify
) -> None:
    receipt = store.record(notification(), NOON)
    row = store.get(receipt.id)
    assert row is not None
    assert row["payload"]["externalURL"] == "http://127.0.0.1:9093"
    assert store.get(receipt.id + 1) is None


def test_empty_label_counts_as_missing(store: NotificationStore, notification: Notify) -> None:
    store.record(notification(service=""), NOON)
    assert store.find(Filters())[0]["alerts"][0]["service"] is None


def test_change_of_group_is_stored_once(store: NotificationStore, notification: Notify) -> None:
    assert not store.record_change(notification(status="resolved"), NOON)
    assert store.record_change(notification(), NOON)
    assert not store.record_change(notification(starts="2025-11-23T18:00:00Z"), NOON)
    assert store.record_change(notification(status="resolved"), NOON)


def test_last_firing_ignores_resolved_alerts(
    store: NotificationStore, notification: Notify
) -> None:
    assert store.last_firing("Watchdog") is None
    store.record(notification("Watchdog"), NOON)
    store.record(notification("Watchdog"), NOON + MINUTE)
    store.record(notification("Watchdog", "resolved"), NOON + 2 * MINUTE)
    assert store.last_firing("Watchdog") == NOON + MINUTE


def test_lost_file_is_an_error(store: NotificationStore, notification: Notify) -> None:
    assert store.check_writable(NOON) is None
    store.path.unlink()
    with pytest.raises(DatabaseError, match="unable to open"):
        store.record(notification(), NOON)
    assert "unable to open" in (store.check_writable(NOON) or "")
    assert not store.path.exists()
