from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alerting.responder.api import AppState
from alerting.responder.healing.store import Decision, HealingStore
from tests.unit.alerting.responder.conftest import AUTHORIZED
from tests.unit.alerting.responder.healing.samples import BEGAN, HUNG, create


@pytest.fixture
def store(responder: AppState) -> HealingStore:
    return responder.healing


@pytest.fixture
def ended(store: HealingStore) -> Callable[..., None]:
    """Return a function that creates an action and ends it, with its alert if resolved."""

    def end(state: str = "done", message: str = "", *, resolved: datetime | None = None) -> None:
        store.finish(create(store).id, state, message, BEGAN + timedelta(seconds=4))
        if resolved:
            store.mark_resolved([], resolved)

    return end


def test_actions_and_decisions_are_newest_first(client: FlaskClient, store: HealingStore) -> None:
    create(store)
    create(store)
    store.record_skipped([Decision(HUNG, "none", "web-1", "paused", "so")], BEGAN)
    rows = client.get("/actions").get_json()
    assert [row["id"] for row in rows] == [2, 1]
    assert (rows[0]["state"], rows[0]["dry_run"]) == ("running", False)
    assert rows[0]["started_at"] == "2025-11-23T17:00:00.000Z"
    codes = [row["code"] for row in client.get("/decisions").get_json()]
    assert codes == ["paused", "approved", "approved"]


def test_actions_can_be_filtered(client: FlaskClient, store: HealingStore) -> None:
    create(store)
    create(store)
    assert client.get("/actions?alert=Saturated").get_json() == []
    rows = client.get("/actions?alert=InstanceHung&limit=1").get_json()
    assert [row["id"] for row in rows] == [2]


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1", "9" * 5000])
def test_bad_limit_is_refused(client: FlaskClient, limit: str) -> None:
    for path in ("actions", "decisions"):
        assert client.get(f"/{path}?limit={limit}").status_code == 400


def test_action_is_returned_by_id(client: FlaskClient, store: HealingStore) -> None:
    create(store)
    assert client.get("/actions/1").get_json()["target"] == "web-1"
    assert client.get("/actions/2").status_code == 404


@pytest.mark.parametrize(
    "path", ["/actions/1/cancel", "/circuits/web/close", "/pause", "/resume", "/drills"]
)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer guess"}])
def test_commands_need_the_token(
    client: FlaskClient, store: HealingStore, path: str, header: dict[str, str]
) -> None:
    create(store)
    answer = client.post(path, headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not any(store.flags().values())


def change_settings(app: Flask, responder: AppState, **changed: Any) -> None:
    app.extensions["responder"] = replace(
        responder, settings=replace(responder.settings, **changed)
    )


def test_commands_are_forbidden_without_a_configured_token(
    client: FlaskClient, app: Flask, responder: AppState
) -> None:
    change_settings(app, responder, token="")
    assert client.post("/pause", headers={"Authorization": "Bearer "}).status_code == 403


def test_pause_lasts_until_resume(client: FlaskClient, store: HealingStore) -> None:
    for _ in range(2):
        assert client.post("/pause", headers=AUTHORIZED).get_json()["paused"]
    assert store.flags()["paused"]
    assert not client.post("/resume", headers=AUTHORIZED).get_json()["paused"]
    assert not store.flags()["paused"]


@pytest.fixture
def exhausted(store: HealingStore) -> None:
    """Open the circuits of two services, in a responder that is paused."""
    store.set_flag("paused", BEGAN)
    for service in ("web", "data-service"):
        create(store, service)
        store.set_flag("circuit_open", BEGAN, service)


@pytest.mark.usefixtures("exhausted")
def test_resume_closes_every_circuit(client: FlaskClient, store: HealingStore) -> None:
    answer = client.post("/resume", headers=AUTHORIZED).get_json()
    assert answer == {"healing": "off", "paused": False, "open_circuits": []}
    assert store.flags()["budget_reset"].keys() == {"web", "data-service"}


@pytest.mark.usefixtures("exhausted")
def test_one_circuit_can_be_closed(client: FlaskClient, store: HealingStore) -> None:
    for _ in range(2):
        answer = client.post("/circuits/web/close", headers=AUTHORIZED).get_json()
        assert answer == {"healing": "off", "paused": True, "open_circuits": ["data-service"]}
    assert store.flags()["budget_reset"].keys() == {"web"}


@pytest.mark.usefixtures("exhausted")
def test_circuit_of_an_unknown_service_cannot_be_closed(client: FlaskClient) -> None:
    answer = client.post("/circuits/wbe/close", headers=AUTHORIZED)
    assert answer.status_code == 404
    assert "No action on a service named wbe" in answer.get_json()["detail"]


def test_cancelled_action_stays_cancelled(client: FlaskClient, store: HealingStore) -> None:
    client.post(f"/actions/{create(store).id}/cancel", headers=AUTHORIZED)
    # Until what is being done to the instance is over, nothing else is done to its service.
    (action,) = store.recent_actions(0)
    assert (action.state, action.finished_at) == ("cancelled", None)
    assert store.finish(action.id, "done", "", BEGAN)
    assert client.get("/actions/1").get_json()["state"] == "cancelled"


def test_cancel_excludes_the_alert(
    client: FlaskClient, store: HealingStore, notify: Callable[..., None]
) -> None:
    notify()
    (alert,) = store.firing()
    decision = Decision(alert, "restart", "web-1", "approved", "so")
    action = store.create(decision, BEGAN)
    client.post(f"/actions/{action.id}/cancel", headers=AUTHORIZED)
    assert [alert.taken_over for alert in store.firing()] == [True]


def test_ended_action_can_be_cancelled_while_its_alert_fires(
    client: FlaskClient, ended: Callable[..., None]
) -> None:
    ended()
    answer = client.post("/actions/1/cancel", headers=AUTHORIZED)
    assert (answer.status_code, answer.get_json()["state"]) == (200, "done")
    ended(resolved=BEGAN)
    assert client.post("/actions/2/cancel", headers=AUTHORIZED).status_code == 409
    assert client.post("/actions/99/cancel", headers=AUTHORIZED).status_code == 404


def test_page_lists_actions(client: FlaskClient, ended: Callable[..., None]) -> None:
    assert "No actions yet." in client.get("/healing").text
    ended("failed", "<it> was refused", resolved=BEGAN + timedelta(minutes=3))
    text = client.get("/healing").text
    assert "2025-11-23 17:00:00" in text
    assert '<td class="nowrap">4.0 s</td>' in text
    assert "after 3 min" in text
    assert "▲ failed" in text
    assert "&lt;it&gt; was refused" in text
    assert "HEALING=off" in text


def test_page_shows_the_state_of_healing(
    client: FlaskClient, app: Flask, responder: AppState
) -> None:
    change_settings(app, responder, healing="on")
    assert "✓ on" in client.get("/healing").text
    responder.healing.set_flag("paused", BEGAN)
    assert "paused" in client.get("/healing").text
    responder.healing.set_flag("circuit_open", BEGAN, "web")
    page = client.get("/healing").text
    assert "paused" in page
    assert "▲ the circuit of web is open" in page
    assert "POST /circuits/web/close" in page
