from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient

from alertdrill.drills.result import Verdict
from alerting.responder import create_app
from alerting.responder.settings import ResponderSettings
from tests.unit.alerting.responder.conftest import AUTHORIZED

PASSED: dict[str, Any] = {
    "alert": "InstanceDown",
    "verdict": "passed",
    "reason": "",
    "speed": 12,
    "started_at": "2025-11-23T17:00:00Z",
    "finished_at": "2025-11-23T17:00:20Z",
    "phase_seconds": {"pending": 1.5, "firing": 3, "notified": 4, "resolved": 2.5},
    "deadlines": {"pending": 5, "firing": 5, "notified": 5, "resolved": 6},
}


def post(client: FlaskClient, **changed: object) -> int:
    return client.post("/drills", json={**PASSED, **changed}, headers=AUTHORIZED).status_code


def metric(client: FlaskClient, name: str, alert: str = "InstanceDown", **labels: str) -> float:
    """Return the value that a scrape finds, NaN where there is none."""
    expected = {"alert": alert, "speed": "12", **labels}
    prefix = f"responder_drill_{name}{{"
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(prefix) and all(f'{key}="{expected[key]}"' in line for key in expected):
            return float(line.rsplit(" ", 1)[1])
    return math.nan


def test_drill_result_is_stored(client: FlaskClient) -> None:
    assert post(client) == 201
    [result] = client.get("/drills").get_json()
    times = {"started_at": "2025-11-23T17:00:00.000Z", "finished_at": "2025-11-23T17:00:20.000Z"}
    assert result == {**PASSED, **times, "id": 1}


def test_drill_results_can_be_filtered(client: FlaskClient) -> None:
    for alert in ("InstanceDown", "Saturated", "InstanceDown"):
        post(client, alert=alert)
    for query, ids in {"": [3, 2, 1], "?alert=InstanceDown": [3, 1], "?limit=1": [3]}.items():
        assert [result["id"] for result in client.get(f"/drills{query}").get_json()] == ids
    assert client.get("/drills?limit=0").status_code == 400


def test_metrics_have_the_last_drill(client: FlaskClient) -> None:
    post(client)
    assert metric(client, "phase_seconds", phase="firing") == 3
    assert metric(client, "deadline_seconds", phase="firing") == 5
    assert metric(client, "passed") == 1
    assert metric(client, "ended_timestamp_seconds") == 1763917220
    post(client, verdict="failed", phase_seconds={"pending": 2}, reason="It never fired.")
    assert metric(client, "phase_seconds", phase="pending") == 2
    assert math.isnan(metric(client, "phase_seconds", phase="firing"))
    assert metric(client, "passed") == 0


def test_speeds_have_their_own_series(client: FlaskClient) -> None:
    post(client)
    post(client, speed=1, phase_seconds={"firing": 36})
    assert metric(client, "phase_seconds", phase="firing") == 3
    assert metric(client, "phase_seconds", phase="firing", speed="1") == 36


def test_unknown_alerts_share_series(client: FlaskClient) -> None:
    post(client, alert="Forged")
    assert math.isnan(metric(client, "passed", alert="Forged"))
    assert metric(client, "passed", alert="other") == 1


def test_restart_restores_the_metrics(client: FlaskClient, database_path: Path) -> None:
    post(client, phase_seconds={"firing": 9})
    post(client)
    handlers = list(logging.getLogger().handlers)
    again = create_app(ResponderSettings(database=database_path))
    again.extensions["responder"].watchdog.stop()
    logging.getLogger().handlers[:] = handlers
    assert metric(again.test_client(), "phase_seconds", phase="firing") == 3


@pytest.mark.parametrize("verdict", sorted(set(get_args(Verdict)) - {"skipped"}))
def test_every_verdict_of_a_drill_is_stored(client: FlaskClient, verdict: str) -> None:
    post(client, verdict=verdict)
    assert client.get("/drills").get_json()[0]["verdict"] == verdict


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"alert": ""}, "alert"),
        ({"verdict": "skipped"}, "verdict"),
        ({"speed": 0}, "speed"),
        ({"speed": True}, "speed"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"phase_seconds": []}, "phase_seconds"),
        ({"phase_seconds": {"firing": -1}}, "phase_seconds.firing"),
        ({"phase_seconds": {"firing": "3"}}, "phase_seconds.firing"),
        ({"deadlines": {"mended": 1}}, "deadlines.mended"),
    ],
)
def test_malformed_result_is_refused(
    client: FlaskClient, changed: dict[str, object], field: str
) -> None:
    answer = client.post("/drills", json={**PASSED, **changed}, headers=AUTHORIZED)
    assert (answer.status_code, answer.get_json()["field"]) == (400, field)
    assert client.get("/drills").get_json() == []


def test_body_that_is_not_json_is_refused(client: FlaskClient) -> None:
    answer = client.post("/drills", data=b"{", headers=AUTHORIZED)
    assert (answer.status_code, answer.get_json()["field"]) == (400, "body")
