from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.responder.errors import MalformedBodyError
from alerting.responder.webhook_payload import Notification, parse

Build = Callable[..., dict[str, Any]]

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
    with suppress(MalformedBodyError):
        notification = parse(body)
        assert isinstance(notification, Notification)
        assert len(notification.digest) == 64
        assert parse(notification.payload.encode()).digest == notification.digest


def test_notification_is_parsed_completely(document: Build) -> None:
    notification = parse(orjson.dumps(document(status="resolved")))
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
    with pytest.raises(MalformedBodyError) as caught:
        parse(orjson.dumps(damaged))
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("labels", {"service": "web"}, "alerts[0].labels.alertname"),
        ("labels", {"alertname": ""}, "alerts[0].labels.alertname"),
        ("startsAt", "yesterday", "alerts[0].startsAt"),
        ("status", "pending", "alerts[0].status"),
        ("fingerprint", "", "alerts[0].fingerprint"),
        ("annotations", {"summary": None}, "alerts[0].annotations.summary"),
    ],
)
def test_wrong_alert_member_is_named(
    document: Build, member: str, value: object, field: str
) -> None:
    damaged = document()
    damaged["alerts"][0][member] = value
    with pytest.raises(MalformedBodyError) as caught:
        parse(orjson.dumps(damaged))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"NaN", b'"\\ud800"', b"[" * 100_000, b"[" * 500 + b"]" * 500, b"9" * 10_000],
)
def test_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="body"):
        parse(body)


def test_truncated_alerts_are_optional(document: Build) -> None:
    older = document()
    del older["truncatedAlerts"]
    assert parse(orjson.dumps(older)).truncated_alerts == 0


def test_digest_ignores_order_and_annotations(document: Build) -> None:
    body = document()
    body["alerts"].append(document(alert="InstanceDown")["alerts"][0] | {"fingerprint": "ffff"})
    other = dict(reversed(body.items())) | {"alerts": body["alerts"][::-1], "commonAnnotations": {}}
    assert parse(orjson.dumps(body)).digest == parse(orjson.dumps(other)).digest


@pytest.mark.parametrize(
    "change",
    [{"status": "resolved"}, {"starts": "2025-11-23T17:00:01Z"}, {"alert": "WebHighErrorRate"}],
)
def test_digest_differs_between_notifications(
    notification: Callable[..., Notification], change: dict[str, str]
) -> None:
    assert notification(**change).digest != notification().digest
