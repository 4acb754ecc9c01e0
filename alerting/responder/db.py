"""The responder's SQLite database: connections, transactions and migrations."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .errors import DatabaseError, DatabaseUnusableError

# Far longer than any write takes, and shorter than Alertmanager waits for an answer.
BUSY_TIMEOUT_S = 5.0
# Migration N, of schema N-1, is the Nth file. A file never changes once it is released.
MIGRATIONS = sorted((Path(__file__).parent / "migrations").glob("*.sql"))
VERSION = len(MIGRATIONS)


@contextmanager
def connect(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """Yield a connection and close it at the end; `mode` "rwc" creates a missing file.

    Raises `DatabaseError` for every error of SQLite inside.
    """
    address = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        ) as connection:
            connection.row_factory = sqlite3.Row
            # FULL: a commit is on disk before the response, also if the power fails.
            connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            yield connection
    except sqlite3.Error as error:
        raise DatabaseError(f"The database {path} fails: {error}.") from error


@contextmanager
def transaction(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """Yield a connection with the write lock; commit at the end, roll back on an error."""
    with connect(path, mode) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def keep_open(path: Path) -> sqlite3.Connection:
    """Return an idle connection, so that other connections are never the last one.

    When the last connection closes, SQLite copies its log into the file and deletes the log, which
    takes as long as a notification. Raises `DatabaseUnusableError` as `prepare` does.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opens the file
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    return connection


def prepare(path: Path) -> None:
    """Create the database if it is missing, and migrate an older one.

    Raises `DatabaseUnusableError`, whose message is a sentence that says what to do.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            # Workers start at the same time, and SQLite does not wait for the switch to WAL.
            fcntl.flock(lock, fcntl.LOCK_EX)
            with transaction(path, "rwc") as connection:
                _migrate(connection, path)
            with connect(path) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
    except DatabaseUnusableError:
        raise
    except (DatabaseError, OSError) as error:
        raise _unusable(path, error.__cause__ or error) from error


def _unusable(path: Path, error: BaseException) -> DatabaseUnusableError:
    return DatabaseUnusableError(
        f"The database {path} cannot be used ({error}): "
        "set RESPONDER_DB to a writable file, or move this one away."
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise DatabaseUnusableError(
            f"The database {path} has schema {version} and this version knows up to {VERSION}: "
            "run the newer version, or set RESPONDER_DB to another file."
        )
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise DatabaseUnusableError(
            f"The database {path} belongs to another program: set RESPONDER_DB to another file."
        )
    for file in MIGRATIONS[version:]:
        # Statement by statement, because executescript() would commit first.
        for statement in file.read_text(encoding="utf-8").split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
