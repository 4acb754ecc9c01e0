from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from alerting.responder.app_state import AppState
from alerting.responder.timestamps import parse_rfc3339, utc_now

Build = Callable[..., dict[str, Any]]


def test_filters_apply(client: FlaskClient, document: Build) -> None:
    client.post("/webhook", json=document())
    client.post("/webhook", json=document("Watchdog"))
    rows = client.get("/notifications?alert=Watchdog&status=firing&since=0").json
    assert [row["alerts"][0]["alert"] for row in rows or []] == ["Watchdog"]


def test_unknown_filter_is_named(client: FlaskClient) -> None:
    answer = client.get("/notifications?color=red")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["field"] == "color"


def test_notification_is_served_with_payload(client: FlaskClient, document: Build) -> None:
    sent = client.post("/webhook", json=document()).json
    assert sent is not None
    rows = client.get(f"/notifications/{sent['id']}").json
    assert rows is not None
    assert rows["payload"] == document()


def test_missing_notification_gets_404(client: FlaskClient) -> None:
    for number in (7, 2**70):
        answer = client.get(f"/notifications/{number}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_watchdog_state_has_its_status(
    client: FlaskClient, responder: AppState, document: Build
) -> None:
    fresh = client.get("/watchdog")
    assert fresh.status_code == 200
    assert fresh.json == {"missing": False, "last_seen": None, "timeout_seconds": 180.0}
    client.post("/webhook", json=document("Watchdog"))
    responder.watchdog.check(utc_now() + timedelta(seconds=200))
    status = client.get("/watchdog").json
    assert status is not None
    assert utc_now() - parse_rfc3339(status["last_seen"]) < timedelta(minutes=1)
