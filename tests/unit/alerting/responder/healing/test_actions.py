from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alerting.responder.app_state import AppState
from alerting.responder.healing_store import ActionRecord, HealingStores
from tests.unit.alerting.responder.healing.samples import HUNG
from tests.unit.alerting.responder.tokens import AUTHORIZED

pytestmark = pytest.mark.usefixtures("token")

NOW = datetime(2025, 11, 23, 17, tzinfo=UTC)


@pytest.fixture
def stores(responder: AppState) -> HealingStores:
    return responder.healing.stores


def create(stores: HealingStores) -> ActionRecord:
    return stores.actions.create(
        HUNG, "restart", "web-1", NOW, code="approved", reason="it hangs", grace_period=0.0
    )


def test_actions_are_listed_newest_first(client: FlaskClient, stores: HealingStores) -> None:
    create(stores)
    create(stores)
    rows = client.get("/actions").get_json()
    assert [row["id"] for row in rows] == [2, 1]
    assert rows[0]["state"] == "running"
    assert rows[0]["started_at"] == "2025-11-23T17:00:00.000Z"
    assert rows[0]["dry_run"] is False


def test_actions_can_be_filtered(client: FlaskClient, stores: HealingStores) -> None:
    create(stores)
    assert client.get("/actions?alert=Saturated").get_json() == []
    assert len(client.get("/actions?alert=InstanceHung&limit=1").get_json()) == 1


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1", "9" * 5000])
def test_bad_limit_is_refused(client: FlaskClient, limit: str) -> None:
    for path in ("actions", "decisions"):
        assert client.get(f"/{path}?limit={limit}").status_code == 400


def test_action_is_returned_by_id(client: FlaskClient, stores: HealingStores) -> None:
    create(stores)
    assert client.get("/actions/1").get_json()["target"] == "web-1"
    assert client.get("/actions/2").status_code == 404


def test_decisions_are_listed(client: FlaskClient, stores: HealingStores) -> None:
    create(stores)
    stores.actions.record_skipped([(HUNG, "paused", "so")], NOW)
    rows = client.get("/decisions").get_json()
    assert [row["code"] for row in rows] == ["paused", "approved"]


@pytest.mark.parametrize("path", ["/actions/1/cancel", "/pause", "/resume"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer guess"}])
def test_commands_need_the_token(
    client: FlaskClient, stores: HealingStores, path: str, header: dict[str, str]
) -> None:
    create(stores)
    answer = client.post(path, headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert stores.flags.since("paused") is None


def test_commands_are_forbidden_without_a_configured_token(
    client: FlaskClient, app: Flask, responder: AppState
) -> None:
    app.extensions["responder"] = replace(responder, healing=replace(responder.healing, token=""))
    assert client.post("/pause", headers={"Authorization": "Bearer "}).status_code == 403


def test_pause_lasts_until_resume(client: FlaskClient, stores: HealingStores) -> None:
    for _ in range(2):
        assert client.post("/pause", headers=AUTHORIZED).get_json()["paused"]
    assert stores.flags.since("paused") is not None
    assert not client.post("/resume", headers=AUTHORIZED).get_json()["paused"]
    assert stores.flags.since("paused") is None


def test_resume_closes_the_circuit(client: FlaskClient, stores: HealingStores) -> None:
    stores.flags.set("circuit_open", NOW)
    assert client.post("/resume", headers=AUTHORIZED).get_json() == {
        "healing": "off",
        "paused": False,
        "circuit_open": False,
    }
    assert stores.flags.since("budget_reset") is not None


def test_cancel_excludes_the_alert(client: FlaskClient, stores: HealingStores) -> None:
    record = create(stores)
    answer = client.post(f"/actions/{record.id}/cancel", headers=AUTHORIZED)
    assert answer.get_json()["state"] == "cancelled"
    # Until what is being done to the instance is over, nothing else is done to its service.
    (acting,) = stores.actions.running()
    assert acting.action.finished_at is None
    assert stores.actions.finish(record.id, "done", "", NOW)
    assert client.get("/actions/1").get_json()["state"] == "cancelled"


def test_ended_action_of_a_firing_alert_can_be_cancelled(
    client: FlaskClient, stores: HealingStores
) -> None:
    record = create(stores)
    stores.actions.finish(record.id, "done", "", NOW)
    answer = client.post(f"/actions/{record.id}/cancel", headers=AUTHORIZED)
    assert (answer.status_code, answer.get_json()["state"]) == (200, "done")


def test_ended_action_of_a_resolved_alert_cannot_be_cancelled(
    client: FlaskClient, stores: HealingStores
) -> None:
    record = create(stores)
    stores.actions.finish(record.id, "done", "", NOW)
    stores.actions.mark_resolved([], NOW)
    assert client.post(f"/actions/{record.id}/cancel", headers=AUTHORIZED).status_code == 409
    assert client.post("/actions/99/cancel", headers=AUTHORIZED).status_code == 404


def test_page_lists_actions(client: FlaskClient, stores: HealingStores) -> None:
    assert "No actions yet." in client.get("/healing").text
    record = create(stores)
    stores.actions.finish(record.id, "failed", "<it> was refused", NOW + timedelta(seconds=4))
    stores.actions.mark_resolved([], NOW + timedelta(minutes=3))
    text = client.get("/healing").text
    assert "2025-11-23 17:00:00" in text
    assert '<td class="nowrap">4.0 s</td>' in text
    assert "after 3 min" in text
    assert "▲ failed" in text
    assert "&lt;it&gt; was refused" in text
    assert "HEALING=off" in text


def test_page_shows_the_state_of_healing(
    client: FlaskClient, app: Flask, responder: AppState, stores: HealingStores
) -> None:
    app.extensions["responder"] = replace(responder, healing=replace(responder.healing, mode="on"))
    assert "✓ on" in client.get("/healing").text
    stores.flags.set("paused", NOW)
    assert "paused" in client.get("/healing").text
    stores.flags.set("circuit_open", NOW)
    assert "the circuit is open" in client.get("/healing").text
