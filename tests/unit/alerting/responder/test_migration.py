"""A database of schema 3 is migrated to the current schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from alerting.responder import create_app, db
from alerting.responder.healing.action_store import STATES
from alerting.responder.healing.planner import CODES
from alerting.responder.settings import ResponderSettings

# A row of every decision code, state of an action, status of an alert, and flag.
DUMP = Path(__file__).parent / "database_v3.sql"


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Flask]:
    database = tmp_path / "responder.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(DUMP.read_text(encoding="utf-8"))
    app = create_app(ResponderSettings(database=database))
    yield app
    app.extensions["responder"].watchdog.stop()


def get(app: Flask, path: str) -> Any:
    response = app.test_client().get(path)
    assert response.status_code == 200
    return response.json


def test_decision_codes_are_renamed(migrated: Flask) -> None:
    decisions = sorted(get(migrated, "/decisions"), key=lambda decision: int(decision["id"]))
    assert [(decision["code"], decision["action_id"]) for decision in decisions] == [
        *(("approved", number) for number in range(1, 6)),
        *(
            (code, None)
            for code in (
                *("manual", "budget_exhausted", "control_api_unavailable"),
                *("max_replicas", "min_replicas", "circuit_open", "excluded", "paused"),
                *("scale_in_stabilization", "scale_out_stabilization", "last_ready_replica"),
                *("cooldown", "unconfirmed", "in_progress", "already_healthy", "no_target"),
                "not_scalable",
            )
        ),
    ]
    assert {decision["code"] for decision in decisions} == set(CODES)
    assert decisions[5] == {
        "id": 6,
        "decided_at": "2026-11-23T10:10:06.000Z",
        "alert": "InstanceHung",
        "fingerprint": "f1",
        "service": "web",
        "instance": "web-1",
        "action": "none",
        "code": "manual",
        "reason": "so",
        "action_id": None,
    }


def test_actions_keep_all_they_had(migrated: Flask) -> None:
    actions = sorted(get(migrated, "/actions"), key=lambda action: int(action["id"]))
    states = [action["state"] for action in actions]
    assert states == ["running", "done", "failed", "cancelled", "done"]
    assert set(states) == set(STATES)
    assert actions[3] == {
        "id": 4,
        "alert": "MemoryLeak",
        "fingerprint": "f2",
        "kind": "restart",
        "service": "web",
        "target": "web-3",
        "instances": None,
        "grace_period": 25.0,
        "reason": "it leaks",
        "dry_run": False,
        "state": "cancelled",
        "started_at": "2026-11-23T10:05:00.000Z",
        "finished_at": "2026-11-23T10:05:08.000Z",
        "message": "a human has cancelled it",
        "alert_resolved_at": "2026-11-23T10:06:00.000Z",
    }
    assert (actions[0]["finished_at"], actions[0]["message"]) == (None, "")
    assert (actions[1]["instances"], actions[4]["dry_run"]) == (3, True)


def test_drill_results_keep_all_they_had(migrated: Flask) -> None:
    assert get(migrated, "/drills") == [
        {
            "id": 1,
            "alert": "InstanceHung",
            "verdict": "passed",
            "reason": "",
            "speed": 12.0,
            "started_at": "2026-11-23T10:20:00.000Z",
            "finished_at": "2026-11-23T10:20:20.000Z",
            "phase_seconds": {"pending": 1.5, "firing": 3.0, "resolved": 5.0},
            "deadlines": {"notified": 15.0, "resolved": 15.0},
        }
    ]


def test_notifications_are_unchanged(migrated: Flask) -> None:
    (notification,) = get(migrated, "/notifications")
    assert (notification["received_at"], notification["deliveries"]) == (
        "2026-11-23T10:00:01.000Z",
        2,
    )
    assert notification["alerts"][0]["labels"]["instance"] == "web-1"
    assert get(migrated, "/notifications/1")["payload"]["groupKey"] == "g"


def test_what_fires_and_what_an_operator_set_are_kept(migrated: Flask) -> None:
    stores = migrated.extensions["responder"].healing.stores
    firing = stores.alerts.firing()
    assert [(alert.fingerprint, alert.taken_over) for alert in firing] == [
        ("f1", False),
        ("f2", True),
    ]
    flags = ("paused", "circuit_open", "budget_reset")
    minutes = [(stores.flags.since(flag) or 0) % 3600 / 60 for flag in flags]
    assert minutes == [7, 8, 9]
    assert stores.actions.running()[0].id == 1
    with db.connect(stores.alerts._path) as connection:
        statuses = connection.execute("SELECT status FROM active_alerts ORDER BY fingerprint")
        assert [row["status"] for row in statuses] == ["firing", "firing", "resolved", "lost"]


def test_pages_show_a_migrated_database(migrated: Flask) -> None:
    page = migrated.test_client().get("/healing").text
    assert "restart <b>web-1</b>" in page
    assert "<code>budget_exhausted</code>" in page
