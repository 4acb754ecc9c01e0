from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry import TelemetrySettings, init_app
from alertdrill_telemetry.faults.kinds import KINDS

REQUESTS = [("GET", "/faults"), ("DELETE", "/faults")] + [
    (method, "/faults/errors") for method in ("GET", "PUT", "DELETE")
]


def status(operator: FlaskClient, kind: str) -> dict[str, Any]:
    body = operator.get(f"/faults/{kind}").get_json()
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize("kind", KINDS)
def test_fault_is_switched_on_and_off(app: Flask, operator: FlaskClient, kind: str) -> None:
    value = app.extensions["telemetry"].metrics.registry.get_sample_value
    assert status(operator, kind)["active"] is False
    answer = operator.put(f"/faults/{kind}", json={"probability": 0.5, "duration": 60})
    assert answer.status_code == 200
    shown = status(operator, kind)
    assert (shown["active"], shown["probability"]) == (True, 0.5)
    assert 0 < shown["remaining_seconds"] <= 60
    assert set(shown["parameters"]) == set(KINDS[kind].parameters)
    assert value("fault_active", {"kind": kind}) == 1
    assert operator.delete(f"/faults/{kind}").get_json()["active"] is False
    assert status(operator, kind)["active"] is False
    assert value("fault_active", {"kind": kind}) == 0


def test_list_shows_every_fault(operator: FlaskClient) -> None:
    operator.put("/faults/hang")
    faults = operator.get("/faults").get_json()["faults"]
    assert {fault["kind"]: fault["active"] for fault in faults} == {
        kind: kind == "hang" for kind in KINDS
    }


def test_all_faults_are_switched_off_at_once(operator: FlaskClient) -> None:
    for kind in ("hang", "errors"):
        operator.put(f"/faults/{kind}")
    faults = operator.delete("/faults").get_json()["faults"]
    assert not any(fault["active"] for fault in faults)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "a-token-for-the-tests", "Bearer é"]
)
def test_token_is_always_required(
    client: FlaskClient, operator: FlaskClient, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.open(path, method=method, headers=headers)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert status(operator, "errors")["active"] is False


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_fault_is_not_found(operator: FlaskClient, method: str) -> None:
    answer = operator.open("/faults/gremlin", method=method)
    assert answer.status_code == 404
    assert "latency" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "body", [{"probability": 2}, {"duration": 0}, {"speed": 1}, [], 1, "all", None]
)
def test_bad_parameters_change_nothing(operator: FlaskClient, body: object) -> None:
    answer = operator.put("/faults/errors", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert status(operator, "errors")["active"] is False


@pytest.mark.parametrize(
    ("media_type", "code"), [("application/json", 400), ("application/x-www-form-urlencoded", 415)]
)
def test_unread_body_changes_nothing(operator: FlaskClient, media_type: str, code: int) -> None:
    answer = operator.put("/faults/errors", data='{"probability": ', content_type=media_type)
    assert answer.status_code == code
    assert status(operator, "errors")["active"] is False


def test_unready_fails_readiness_only(operator: FlaskClient) -> None:
    operator.put("/faults/unready")
    answer = operator.get("/readyz")
    assert answer.status_code == 503
    assert "unready" in answer.get_json()["reasons"]["fault"]
    assert operator.get("/healthz").status_code == 200
    assert operator.get("/items/1").status_code == 200
    operator.delete("/faults/unready")
    assert operator.get("/readyz").status_code == 200


def test_errors_are_counted_and_logged(app: Flask, operator: FlaskClient) -> None:
    operator.put("/faults/errors")
    answer = operator.get("/items/1")
    assert answer.status_code == 500
    assert "FaultInjectedError" not in answer.text
    labels = {"method": "GET", "status": "500"}
    value = app.extensions["telemetry"].metrics.registry.get_sample_value
    assert value("flask_http_request_total", labels) == 1


def test_faults_are_absent_unless_enabled(settings: TelemetrySettings) -> None:
    app = Flask("web", static_folder=None)
    telemetry = init_app(app, "web", replace(settings, faults_enabled=False))
    assert telemetry.faults is None
    headers = {"Authorization": f"Bearer {settings.faults_token}"}
    for method, path in REQUESTS:
        assert app.test_client().open(path, method=method, headers=headers).status_code == 404
