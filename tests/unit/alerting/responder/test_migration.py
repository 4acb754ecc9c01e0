"""A database of schema 3 or 4, from before Alembic, or 5 is migrated to the current schema."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask

from alerting.responder import create_app, db
from alerting.responder.errors import DatabaseUnusableError
from alerting.responder.healing.planner import CODES
from alerting.responder.healing.store import STATES, HealingStore
from alerting.responder.settings import ResponderSettings

FOLDER = Path(__file__).parent
# A row of every decision code, state of an action, status of an alert, and flag.
SCHEMA_3 = (FOLDER / "database_v3.sql").read_text(encoding="utf-8")
SCHEMA_4 = (FOLDER / "migration_v4.sql").read_text(encoding="utf-8") + "PRAGMA user_version = 4;"
SCHEMA_5 = (FOLDER / "database_v5.sql").read_text(encoding="utf-8")
SINCE_SCHEMA_2 = ("current", "actions", "decisions", "controls")


def execute(path: Path, *scripts: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)


@pytest.fixture(params=[3, 4, 5])
def migrated(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    path = tmp_path / "responder.db"
    execute(path, *{3: [SCHEMA_3], 4: [SCHEMA_3, SCHEMA_4], 5: [SCHEMA_5]}[request.param])
    app = create_app(ResponderSettings(database=path))
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
    store = migrated.extensions["responder"].healing
    firing = store.firing()
    assert [(alert.fingerprint, alert.taken_over) for alert in firing] == [
        ("f1", False),
        ("f2", True),
    ]
    minutes = {
        flag: {service: since % 3600 / 60 for service, since in times.items()}
        for flag, times in store.flags().items()
    }
    assert minutes == {"paused": {"": 7}, "circuit_open": {"web": 8}, "budget_reset": {"web": 1}}
    assert store.recent_actions(2**31)[0].id == 1
    active = db.active_alerts.c
    rows = migrated.extensions["responder"].notifications.database.rows(
        sa.select(active.status).order_by(active.fingerprint)
    )
    assert [row["status"] for row in rows] == ["firing", "firing", "resolved", "lost"]


@pytest.mark.parametrize(
    ("kind", "started_at", "stays_open"),
    [
        ("restart", "10:07:59", True),
        ("scale_out", "10:02:00", True),
        ("scale_in", "10:07:59", False),  # the budget did not count it
        ("restart", "10:00:59", False),  # before the budget was reset
        ("restart", "10:08:01", False),  # after the circuit opened
    ],
)
def test_circuit_stays_open_for_the_services_that_it_counted(
    tmp_path: Path, kind: str, started_at: str, stays_open: bool
) -> None:
    path = tmp_path / "responder.db"
    execute(
        path,
        SCHEMA_5,
        "INSERT INTO actions (alert, fingerprint, kind, service, target, reason, dry_run, state,"
        f" started_at) VALUES ('A', 'f', '{kind}', 'report', 'report', 'so', 0, 'done',"
        f" '2026-11-23T{started_at}.000Z')",
    )
    flags = HealingStore(db.open_database(path)).flags()
    assert flags["circuit_open"].keys() == ({"web", "report"} if stays_open else {"web"})
    assert flags["budget_reset"].keys() == {"web", "report"}


def test_circuit_of_a_budget_without_reset_counted_its_window(tmp_path: Path) -> None:
    path = tmp_path / "responder.db"
    execute(
        path,
        SCHEMA_5,
        "DELETE FROM operator_flags WHERE name = 'budget_reset';"
        "UPDATE actions SET service = 'report', started_at = '2026-11-23T09:37:59.000Z'"
        " WHERE id = 2",
    )
    flags = HealingStore(db.open_database(path)).flags()
    assert flags["circuit_open"].keys() == {"web"}
    assert not flags["budget_reset"]


def test_pages_show_a_migrated_database(migrated: Flask) -> None:
    page = migrated.test_client().get("/healing").text
    assert "restart <b>web-1</b>" in page
    assert "<code>budget_exhausted</code>" in page


def columns(path: Path) -> dict[str, set[str]]:
    """Return the columns of each table, without Alembic's own."""
    engine = sa.create_engine(f"sqlite:///{path}")
    inspector = sa.inspect(engine)
    names = set(inspector.get_table_names()) - {"alembic_version"}
    tables = {name: {column["name"] for column in inspector.get_columns(name)} for name in names}
    engine.dispose()
    return tables


def indexes(path: Path) -> set[str]:
    """Return the indexes, each as its statement."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'index'").fetchall()
    return {" ".join(sql.replace('"', "").split()) for (sql,) in rows if sql}


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_every_older_schema_becomes_the_current_one(
    tmp_path: Path, database_path: Path, version: int
) -> None:
    older = tmp_path / "older.db"
    execute(older, SCHEMA_5 if version == 5 else SCHEMA_3)
    lacking = [*(SINCE_SCHEMA_2 if version < 2 else ()), *(("drills",) if version < 3 else ())]
    execute(older, *(f"DROP TABLE {table}" for table in reversed(lacking)))
    execute(older, SCHEMA_4 if version == 4 else f"PRAGMA user_version = {version}")
    database = db.open_database(older)
    assert (columns(older), indexes(older)) == (columns(database_path), indexes(database_path))
    assert len(database.rows(sa.select(db.notifications))) == 1


def test_failed_migration_changes_nothing(tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    execute(older, SCHEMA_3, "CREATE TABLE drill_results (id INTEGER)")
    before = columns(older)
    with pytest.raises(DatabaseUnusableError, match="drill_results"):
        db.open_database(older)
    assert columns(older) == before


@pytest.mark.parametrize("new", [True, False])
def test_alembic_does_not_stay_in_memory(tmp_path: Path, database_path: Path, new: bool) -> None:
    code = (
        "import sys; from pathlib import Path; from alerting.responder.db import open_database;"
        "open_database(Path(sys.argv[1])); assert 'alembic' not in sys.modules"
    )
    path = tmp_path / "new.db" if new else database_path
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_newest_revision_is_the_one_in_the_code() -> None:
    config = Config()
    config.set_main_option("script_location", str(db.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == str(db.REVISION)
