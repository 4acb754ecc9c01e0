from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from alerting.responder import db
from alerting.responder.errors import DatabaseError, DatabaseUnusableError
from apps.telemetry.errors import SettingsError

OPEN_AND_WRITE = """
import sys
from pathlib import Path
from alerting.responder import db
path = Path(sys.argv[1])
sys.stdin.readline()
db.prepare(path)
for _ in range(20):
    with db.transaction(path) as connection:
        connection.execute("INSERT INTO write_checks VALUES (1, 0) ON CONFLICT (id) "
                           "DO UPDATE SET checked_at = checked_at + 1")
"""


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def write(path: Path, *ids: int) -> None:
    with db.transaction(path) as connection:
        for row_id in ids:
            connection.execute("INSERT INTO write_checks VALUES (?, 'now')", (row_id,))


def test_database_is_durable_and_concurrent(tmp_path: Path) -> None:
    db.prepare(tmp_path / "new folder" / "responder.db")
    with db.connect(tmp_path / "new folder" / "responder.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert connection.execute("PRAGMA busy_timeout").fetchone()[0] == 5000


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
    with db.connect(path) as connection:
        written = connection.execute("SELECT checked_at FROM write_checks").fetchone()[0]
        assert int(written) == 6 * 20 - 1


def test_older_database_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "responder.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(db.MIGRATIONS[0].read_text(encoding="utf-8"))
    execute(path, "INSERT INTO write_checks VALUES (1, 'kept')")
    execute(path, "PRAGMA user_version = 1")
    db.prepare(path)
    with db.connect(path) as connection:
        assert connection.execute("SELECT checked_at FROM write_checks").fetchone()[0] == "kept"
        assert connection.execute("SELECT count(*) FROM actions").fetchone()[0] == 0
        assert connection.execute("PRAGMA user_version").fetchone()[0] == db.VERSION


def test_newer_schema_stops_the_start(tmp_path: Path) -> None:
    execute(tmp_path / "responder.db", f"PRAGMA user_version = {db.VERSION + 1}")
    with pytest.raises(DatabaseUnusableError, match="has schema 5 and this version knows up to 4"):
        db.prepare(tmp_path / "responder.db")


def test_foreign_database_stops_the_start(tmp_path: Path) -> None:
    execute(tmp_path / "responder.db", "CREATE TABLE cookies (name TEXT)")
    with pytest.raises(DatabaseUnusableError, match="belongs to another program"):
        db.prepare(tmp_path / "responder.db")


def test_other_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "responder.db").write_text("This is not a database. " * 50)
    with pytest.raises(SettingsError, match=r"file is not a database.*RESPONDER_DB") as caught:
        db.prepare(tmp_path / "responder.db")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "responder.db").read_text().startswith("This is not")


def test_folder_as_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusableError, match="unable to open"):
        db.prepare(tmp_path)


def test_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    db.prepare(tmp_path / "responder.db")
    with pytest.raises(DatabaseError):
        write(tmp_path / "responder.db", 1, 2)  # the table takes 1 only
    with db.connect(tmp_path / "responder.db") as connection:
        assert not connection.execute("SELECT * FROM write_checks").fetchall()
