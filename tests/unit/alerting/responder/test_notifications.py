from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.errors import DatabaseError, InvalidRequestError
from alerting.responder.notifications import (
    Filters,
    Notification,
    NotificationStore,
    parse_filters,
    parse_notification,
)

Build = Callable[..., dict[str, Any]]
NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Notify = Callable[..., Notification]

words = st.sampled_from(["firing", "resolved", "4", "2025-11-23T17:00:00Z", "alertname"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(words | st.text(), inner),
    max_leaves=8,
)


def locations(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a document."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    inner = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return [(value, key) for key in keys] + [
        location for item in inner for location in locations(item)
    ]


def parsed_or_refused(body: bytes) -> None:
    with suppress(InvalidRequestError):
        notification = parse_notification(body)
        assert isinstance(notification, Notification)
        assert len(notification.digest) == 64
        assert parse_notification(notification.payload.encode()).digest == notification.digest


def test_notification_is_parsed_completely(document: Build) -> None:
    notification = parse_notification(orjson.dumps(document(status="resolved")))
    (alert,) = notification.alerts
    assert notification.receiver == "responder"
    assert (alert.name, alert.status, alert.fingerprint) == (
        "InstanceDown",
        "resolved",
        "5ef77f1f8a3ecfa7",
    )
    assert alert.ends_at == datetime(2025, 11, 23, 18, tzinfo=UTC)
    assert orjson.loads(notification.payload) == document(status="resolved")


def test_firing_alert_has_no_end(notification: Callable[..., Notification]) -> None:
    assert notification().alerts[0].ends_at is None


@given(st.binary())
def test_any_bytes_parse_or_are_refused(body: bytes) -> None:
    parsed_or_refused(body)


@given(json_values)
def test_any_json_parses_or_is_refused(value: Any) -> None:
    parsed_or_refused(json.dumps(value).encode())


@given(st.data(), json_values)
def test_any_damage_parses_or_is_refused(document: Build, data: st.DataObject, value: Any) -> None:
    damaged = document()
    container, key = data.draw(st.sampled_from(locations(damaged)))
    container[key] = value
    parsed_or_refused(json.dumps(damaged).encode())


@pytest.mark.parametrize(
    "name",
    [
        *("version", "receiver", "status", "groupKey", "alerts"),
        *("groupLabels", "commonLabels", "commonAnnotations", "externalURL"),
    ],
)
def test_missing_member_is_named(document: Build, name: str) -> None:
    damaged = document()
    del damaged[name]
    with pytest.raises(InvalidRequestError) as caught:
        parse_notification(orjson.dumps(damaged))
    assert (caught.value.field, str(caught.value)) == (name, f"{name}: Field required.")


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("labels", {"service": "web"}, "labels: an alert needs the label"),
        ("labels", {"alertname": ""}, "labels: an alert needs the label"),
        ("startsAt", "yesterday", "startsAt is 'yesterday': it must be an RFC 3339 timestamp."),
        ("status", "pending", "status is 'pending': Input should be 'firing' or 'resolved'."),
        ("fingerprint", "", "fingerprint: String should have at least 1 character."),
        ("labels", {"alertname": "A", "service": 7}, "labels.service is 7: Input should be a"),
        ("annotations", {"summary": None}, "annotations.summary: Input should be a valid string"),
    ],
)
def test_wrong_alert_member_is_named(
    document: Build, member: str, value: object, field: str
) -> None:
    damaged = document()
    damaged["alerts"][0][member] = value
    with pytest.raises(InvalidRequestError) as caught:
        parse_notification(orjson.dumps(damaged))
    assert str(caught.value).startswith(f"alerts[0].{field}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(["truncatedAlerts"], (True, -1, 1.0, "1", None)),
        *product(["alerts"], ([], {}, "x", None, [1])),
        *(("status", "pending"), ("receiver", ""), ("receiver", 7), ("version", "3")),
        ("groupLabels", []),
    ],
)
def test_wrong_member_is_named(document: Build, name: str, value: object) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{name}.*: .* should "):
        parse_notification(orjson.dumps(document() | {name: value}))


def test_body_cannot_bring_its_own_payload(document: Build) -> None:
    notification = parse_notification(orjson.dumps(document() | {"payload": "forged"}))
    assert orjson.loads(notification.payload)["groupKey"] == document()["groupKey"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"NaN", b'"\\ud800"', b"[" * 100_000, b"[" * 500 + b"]" * 500, b"9" * 10_000],
)
def test_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="body"):
        parse_notification(body)


def test_truncated_alerts_are_optional(document: Build) -> None:
    older = document()
    del older["truncatedAlerts"]
    assert parse_notification(orjson.dumps(older)).truncated_alerts == 0


def test_digest_ignores_order_and_annotations(document: Build) -> None:
    body = document()
    body["alerts"].append(document(alert="InstanceDown")["alerts"][0] | {"fingerprint": "ffff"})
    other = dict(reversed(body.items())) | {"alerts": body["alerts"][::-1], "commonAnnotations": {}}
    assert (
        parse_notification(orjson.dumps(body)).digest
        == parse_notification(orjson.dumps(other)).digest
    )


@pytest.mark.parametrize(
    "change",
    [{"status": "resolved"}, {"starts": "2025-11-23T17:00:01Z"}, {"alert": "WebHighErrorRate"}],
)
def test_digest_differs_between_notifications(
    notification: Callable[..., Notification], change: dict[str, str]
) -> None:
    assert notification(**change).digest != notification().digest


names = st.sampled_from([*Filters.model_fields]) | st.text()


@given(st.lists(st.tuples(names, st.text() | st.floats().map(str) | st.integers().map(str))))
def test_any_query_parses_or_is_refused(arguments: list[tuple[str, str]]) -> None:
    with suppress(InvalidRequestError):
        assert 1 <= parse_filters(arguments).limit <= 1000


def test_default_limit_is_one_hundred() -> None:
    assert parse_filters([]) == Filters(limit=100)


@pytest.mark.parametrize("since", ["2025-11-23T17:00:00Z", "1763917200", "1763917200.0"])
def test_since_takes_timestamp_or_seconds(since: str) -> None:
    assert parse_filters([("since", since)]).since == datetime(2025, 11, 23, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("color", "red"),
        ("status", "pending"),
        ("alert", ""),
        ("service", "a\0b"),
        ("since", "yesterday"),
        ("since", "nan"),
        ("since", "1e300"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "1_0"),
        ("limit", "9" * 5000),
    ],
)
def test_bad_filter_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_filters([(name, value)])
    assert caught.value.field == name


def test_repeated_filter_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="alert occurs twice"):
        parse_filters([("alert", "A"), ("alert", "B")])


def test_notification_is_stored_completely(inbox: NotificationStore, notification: Notify) -> None:
    number, _ = inbox.record(notification(), NOON)
    (row,) = inbox.find(Filters())
    assert row == {
        "id": number,
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


def test_write_ahead_log_is_kept(inbox: NotificationStore, notification: Notify) -> None:
    inbox.record(notification(), NOON)
    # SQLite deletes it when the last connection is closed.
    assert inbox.database.path.with_name(f"{inbox.database.path.name}-wal").stat().st_size > 0


def test_repeated_notification_is_stored_once(
    inbox: NotificationStore, notification: Notify
) -> None:
    first = inbox.record(notification(), NOON)
    second = inbox.record(notification(), NOON + MINUTE)
    assert (first, second) == ((1, False), (1, True))
    (row,) = inbox.find(Filters())
    assert row["deliveries"] == 2
    assert row["received_at"] == "2025-11-23T12:00:00.000Z"
    assert row["last_received_at"] == "2025-11-23T12:01:00.000Z"
    assert len(row["alerts"]) == 1


def test_threads_store_each_notification_once(
    inbox: NotificationStore, notification: Notify
) -> None:
    def deliver() -> None:
        for number in range(10):
            inbox.record(notification(instance=f"web-{number}", alert=f"A{number}"), NOON)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row["deliveries"] for row in inbox.find(Filters())] == [4] * 10


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
    inbox: NotificationStore,
    notification: Notify,
    query: dict[str, str],
    expected: list[int],
) -> None:
    sent = [
        notification(),
        notification(status="resolved"),
        notification("WebHighErrorRate", severity="page", service="data-service"),
        notification("Other", instance="web-2"),
    ]
    for minute, message in enumerate(sent):
        inbox.record(message, NOON + minute * MINUTE)
    rows = inbox.find(parse_filters(query.items()))
    assert [row["id"] for row in rows] == expected


def test_payload_comes_with_single_notification(
    inbox: NotificationStore, notification: Notify
) -> None:
    number, _ = inbox.record(notification(), NOON)
    row = inbox.get(number)
    assert row is not None
    assert row["payload"]["externalURL"] == "http://127.0.0.1:9093"
    assert inbox.get(number + 1) is None


def test_empty_label_counts_as_missing(inbox: NotificationStore, notification: Notify) -> None:
    inbox.record(notification(service=""), NOON)
    assert inbox.find(Filters())[0]["alerts"][0]["service"] is None


def test_change_of_group_is_stored_once(inbox: NotificationStore, notification: Notify) -> None:
    assert not inbox.record_change(notification(status="resolved"), NOON)
    assert inbox.record_change(notification(), NOON)
    assert not inbox.record_change(notification(starts="2025-11-23T18:00:00Z"), NOON)
    assert inbox.record_change(notification(status="resolved"), NOON)


def test_last_firing_ignores_resolved_alerts(
    inbox: NotificationStore, notification: Notify
) -> None:
    assert inbox.last_firing("Watchdog") is None
    inbox.record(notification("Watchdog"), NOON)
    inbox.record(notification("Watchdog"), NOON + MINUTE)
    inbox.record(notification("Watchdog", "resolved"), NOON + 2 * MINUTE)
    assert inbox.last_firing("Watchdog") == NOON + MINUTE


def test_lost_file_is_an_error(inbox: NotificationStore, notification: Notify) -> None:
    assert inbox.check_writable(NOON) is None
    inbox.database.path.unlink()
    with pytest.raises(DatabaseError, match="unable to open"):
        inbox.record(notification(), NOON)
    assert "unable to open" in (inbox.check_writable(NOON) or "")
    assert not inbox.database.path.exists()
