"""The journal's tables, and how its file is opened."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .errors import JournalError, JournalUnusableError

VERSION = 4
# Longer than any write of ours takes by far; Alertmanager waits longer than that for an answer.
BUSY_SECONDS = 5.0

TABLES = """
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    receiver TEXT NOT NULL,
    group_key TEXT NOT NULL,
    received_at TEXT NOT NULL,
    last_received_at TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 1,
    payload TEXT NOT NULL
);
CREATE INDEX notifications_by_group ON notifications (group_key);
CREATE INDEX notifications_by_time ON notifications (received_at);
CREATE TABLE alerts (
    notification_id INTEGER NOT NULL REFERENCES notifications (id),
    fingerprint TEXT NOT NULL,
    alert TEXT NOT NULL,
    status TEXT NOT NULL,
    service TEXT,
    instance TEXT,
    severity TEXT,
    starts_at TEXT NOT NULL,
    ends_at TEXT,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL
);
CREATE INDEX alerts_by_notification ON alerts (notification_id);
CREATE INDEX alerts_by_name ON alerts (alert, status, notification_id);
CREATE INDEX alerts_by_status ON alerts (status, notification_id);
CREATE INDEX alerts_by_severity ON alerts (severity, notification_id);
CREATE INDEX alerts_by_service ON alerts (service, notification_id);
CREATE INDEX alerts_by_instance ON alerts (instance, notification_id);
CREATE TABLE write_checks (id INTEGER PRIMARY KEY CHECK (id = 1), checked_at TEXT NOT NULL);
"""
# What fires now, what was decided about it and what was done; `controls` are a human's, and the
# circuit.
HEALING_TABLES = """
CREATE TABLE current (
    fingerprint TEXT PRIMARY KEY,
    alert TEXT NOT NULL,
    labels TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    heard_at TEXT NOT NULL,
    taken_over INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX current_by_status ON current (status);
CREATE TABLE actions (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    service TEXT NOT NULL,
    target TEXT NOT NULL,
    instances INTEGER,
    grace REAL,
    reason TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    state TEXT NOT NULL,
    began TEXT NOT NULL,
    ended TEXT,
    said TEXT NOT NULL DEFAULT '',
    resolved TEXT
);
CREATE INDEX actions_by_end ON actions (ended);
CREATE INDEX actions_by_time ON actions (began);
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    decided_at TEXT NOT NULL,
    alert TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    action TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    action_id INTEGER REFERENCES actions (id)
);
CREATE INDEX decisions_by_alert ON decisions (fingerprint, id);
CREATE TABLE controls (name TEXT PRIMARY KEY, since TEXT NOT NULL);
"""
# What those who make drills tell of them; `times` and `limits` are JSON, seconds by phase.
DRILL_TABLES = """
CREATE TABLE drills (
    id INTEGER PRIMARY KEY,
    alert TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    speed REAL NOT NULL,
    began TEXT NOT NULL,
    ended TEXT NOT NULL,
    times TEXT NOT NULL,
    limits TEXT NOT NULL
);
CREATE INDEX drills_by_alert ON drills (alert, speed);
"""
# Schema 4 has the field's own words: tables, columns, flags, states and decision codes.
RENAMES = """
ALTER TABLE current RENAME TO active_alerts;
ALTER TABLE active_alerts RENAME COLUMN heard_at TO last_notified_at;
DROP INDEX current_by_status;
CREATE INDEX active_alerts_by_status ON active_alerts (status);
ALTER TABLE actions RENAME COLUMN grace TO grace_period;
ALTER TABLE actions RENAME COLUMN began TO started_at;
ALTER TABLE actions RENAME COLUMN ended TO finished_at;
ALTER TABLE actions RENAME COLUMN said TO message;
ALTER TABLE actions RENAME COLUMN resolved TO alert_resolved_at;
UPDATE actions SET state = 'running' WHERE state = 'acting';
CREATE TABLE code_renames (old TEXT PRIMARY KEY, new TEXT NOT NULL);
INSERT INTO code_renames VALUES
    ('acted', 'approved'),
    ('at_the_ceiling', 'max_replicas'),
    ('at_the_floor', 'min_replicas'),
    ('budget_is_spent', 'budget_exhausted'),
    ('circuit_is_open', 'circuit_open'),
    ('control_is_away', 'control_api_unavailable'),
    ('is_excused', 'excluded'),
    ('is_paused', 'paused'),
    ('is_settling_in', 'scale_in_stabilization'),
    ('is_settling_out', 'scale_out_stabilization'),
    ('is_the_last_ready', 'last_ready_replica'),
    ('is_too_soon', 'cooldown'),
    ('is_unconfirmed', 'unconfirmed'),
    ('is_under_way', 'in_progress'),
    ('is_well', 'already_healthy'),
    ('left_to_a_human', 'manual'),
    ('names_nobody', 'no_target'),
    ('scales_not', 'not_scalable');
UPDATE decisions SET code = (SELECT new FROM code_renames WHERE old = code)
WHERE code IN (SELECT old FROM code_renames);
DROP TABLE code_renames;
ALTER TABLE controls RENAME TO operator_flags;
ALTER TABLE operator_flags RENAME COLUMN since TO set_at;
UPDATE operator_flags SET name = 'circuit_open' WHERE name = 'circuit';
UPDATE operator_flags SET name = 'budget_reset' WHERE name = 'counted';
ALTER TABLE drills RENAME TO drill_results;
ALTER TABLE drill_results RENAME COLUMN began TO started_at;
ALTER TABLE drill_results RENAME COLUMN ended TO finished_at;
ALTER TABLE drill_results RENAME COLUMN times TO phase_seconds;
ALTER TABLE drill_results RENAME COLUMN limits TO deadlines;
DROP INDEX drills_by_alert;
CREATE INDEX drill_results_by_alert ON drill_results (alert, speed);
"""
MIGRATIONS = (TABLES, HEALING_TABLES, DRILL_TABLES, RENAMES)


@contextmanager
def connect(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """Yield a connection that is closed at the end; `mode` "rwc" creates a missing file.

    Every error of SQLite inside comes out as a `JournalError`.
    """
    address = f"{path.absolute().as_uri()}?mode={mode}"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            connection.row_factory = sqlite3.Row
            # FULL: a commit is on disk before it is answered, also when the power goes.
            connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            yield connection
    except sqlite3.Error as error:
        raise JournalError(f"The journal {path} fails: {error}.") from error


@contextmanager
def transaction(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    """Yield a connection that alone may write; commit at the end, roll back on an error."""
    with connect(path, mode) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def hold_open(path: Path) -> sqlite3.Connection:
    """Return a connection that does nothing but be there.

    Whoever closes the file last has SQLite copy its log into it and delete that, which takes as
    long as a notification itself. Raises `JournalUnusableError` as `prepare` does.
    """
    try:
        held = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )
        held.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # it opens the file only now
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    return held


def prepare(path: Path) -> None:
    """Create the journal if it is missing, and check that this version can use it.

    Raises `JournalUnusableError`, whose message is one sentence that says the way out.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as turn:
            # Workers start at once, and SQLite does not wait for its turn to switch to WAL.
            fcntl.flock(turn, fcntl.LOCK_EX)
            with transaction(path, "rwc") as connection:
                _migrate(connection, path)
            with connect(path) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
    except JournalUnusableError:
        raise
    except (JournalError, OSError) as error:
        raise _unusable(path, error.__cause__ or error) from error


def _unusable(path: Path, error: BaseException) -> JournalUnusableError:
    return JournalUnusableError(
        f"The journal {path} cannot be used ({error}): "
        "set RESPONDER_DB to a file that can be written, or move this one away."
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise JournalUnusableError(
            f"The journal {path} has schema {found} and this version knows up to {VERSION}: "
            "run the newer version, or set RESPONDER_DB to another file."
        )
    if found == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise JournalUnusableError(
            f"The database {path} belongs to another program: set RESPONDER_DB to another file."
        )
    for tables in MIGRATIONS[found:]:
        for statement in tables.split(";"):  # executescript() would commit first
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
