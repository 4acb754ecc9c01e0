from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from alertdrill_telemetry.errors import SettingsError
from alerting.responder.db import REVISION, Database, open_database, write_checks
from alerting.responder.errors import DatabaseError, DatabaseUnusableError

OPEN_AND_WRITE = """
import sys
from pathlib import Path
import sqlalchemy as sa
from alerting.responder.db import insert, open_database, write_checks
sys.stdin.readline()
database = open_database(Path(sys.argv[1]))
for _ in range(20):
    with database.write() as connection:
        statement = insert(connection, write_checks).values(id=1, checked_at=0)
        added = sa.cast(write_checks.c.checked_at, sa.Integer) + 1
        connection.execute(statement.on_conflict_do_update(set_={"checked_at": added},
                                                           index_elements=["id"]))
"""


def pragma(database: Database, name: str) -> object:
    with database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_database_is_durable_and_concurrent(tmp_path: Path) -> None:
    database = open_database(tmp_path / "new folder % ?#" / "responder.db")
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "synchronous") == 2  # FULL
    assert pragma(database, "busy_timeout") == 5000
    assert pragma(database, "foreign_keys") == 1


def test_workers_may_start_at_once(tmp_path: Path) -> None:
    path = tmp_path / "responder.db"
    workers = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_WRITE, path], stdin=subprocess.PIPE)
        for _ in range(6)
    ]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write(b"go\n")
        worker.stdin.close()
    assert [worker.wait(60) for worker in workers] == [0] * 6
    (row,) = open_database(path).rows(sa.select(write_checks))
    assert int(row["checked_at"]) == 6 * 20 - 1


def test_reads_do_not_wait_for_a_write(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(write_checks).values(id=1, checked_at="now"))
        assert database.rows(sa.select(write_checks)) == []


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (f"PRAGMA user_version = {REVISION + 1}", "has schema 7 and this version knows up to 6"),
        ("CREATE TABLE cookies (name TEXT)", "belongs to another program"),
        ("CREATE TABLE alembic_version AS SELECT '7' AS version_num", "has schema 7"),
    ],
)
def test_other_schema_stops_the_start(tmp_path: Path, statement: str, message: str) -> None:
    with closing(sqlite3.connect(tmp_path / "responder.db")) as connection, connection:
        connection.execute(statement)
    with pytest.raises(DatabaseUnusableError, match=message):
        open_database(tmp_path / "responder.db")


def test_other_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "responder.db").write_text("This is not a database. " * 50)
    with pytest.raises(SettingsError, match=r"file is not a database.*RESPONDER_DB") as caught:
        open_database(tmp_path / "responder.db")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "responder.db").read_text().startswith("This is not")


def test_folder_as_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusableError, match="unable to open"):
        open_database(tmp_path)


def test_failed_transaction_leaves_nothing(database: Database) -> None:
    rows = [{"id": number, "checked_at": "now"} for number in (1, 2)]  # the table takes 1 only
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(sa.insert(write_checks), rows)
    assert database.rows(sa.select(write_checks)) == []
