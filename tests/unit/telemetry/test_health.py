from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from alertdrill_telemetry.drain import DrainState


def test_new_instance_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_failing_check_shows_its_reason(app: Flask, client: FlaskClient) -> None:
    reasons: list[str | None] = ["The disk is full."]
    app.extensions["telemetry"].readiness.add("disk", lambda: reasons[0])
    app.extensions["telemetry"].readiness.add("other", lambda: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reasons"] == {"disk": "The disk is full."}
    assert client.get("/healthz").status_code == 200
    reasons[0] = None
    assert client.get("/readyz").status_code == 200


def test_draining_instance_is_not_ready(client: FlaskClient) -> None:
    DrainState().start_draining()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert client.get("/items/1").status_code == 200


def test_failing_or_wrong_check_is_a_reason(app: Flask, client: FlaskClient) -> None:
    def fail() -> str | None:
        raise ConnectionError("no database")

    app.extensions["telemetry"].readiness.add("database", fail)
    app.extensions["telemetry"].readiness.add("wrong", lambda: False)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["reasons"] == {
        "database": "The check has failed: builtins.ConnectionError: no database",
        "wrong": "The check returned False: it must return None or a sentence.",
    }
