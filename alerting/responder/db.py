"""The responder's database: its tables, its transactions and its migrations.

Statements are SQLAlchemy's, for any database; only `open_database` and the engine know SQLite.
"""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import weakref
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from .errors import DatabaseError, DatabaseUnusableError

# Far longer than any write takes, and shorter than Alertmanager waits for an answer.
BUSY_TIMEOUT_S = 5.0
MIGRATIONS = Path(__file__).parent / "migrations"
# The newest revision of MIGRATIONS. Alembic takes as long to import as half of the responder, so a
# database that has this revision is opened without it.
REVISION = 6
MAX_ID = 2**63 - 1  # the largest of SQLite


metadata = sa.MetaData()


def _texts(names: str, *, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names.split()]


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


def _indexes(table: str, **columns: str) -> list[sa.Index]:
    return [sa.Index(f"{table}_by_{name}", *names.split()) for name, names in columns.items()]


notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    *_texts("status receiver group_key received_at last_received_at"),
    sa.Column("deliveries", sa.Integer, nullable=False, server_default="1"),
    *_texts("payload"),
    *_indexes("notifications", group="group_key", time="received_at"),
)
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("notification_id", sa.ForeignKey(notifications.c.id), nullable=False),
    sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    *_texts("fingerprint alert status"),
    *_texts("service instance severity", nullable=True),
    *_texts("starts_at"),
    *_texts("ends_at", nullable=True),
    _json("labels"),
    _json("annotations"),
    *_indexes("alerts", notification="notification_id", name="alert status notification_id"),
    *_indexes(
        "alerts",
        **{
            column: f"{column} notification_id"
            for column in ("status", "severity", "service", "instance")
        },
    ),
)
write_checks = sa.Table(
    "write_checks",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    *_texts("checked_at"),
)
active_alerts = sa.Table(
    "active_alerts",
    metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    *_texts("alert"),
    _json("labels"),
    *_texts("status starts_at last_notified_at"),
    sa.Column("taken_over", sa.Boolean, nullable=False, server_default=sa.false()),
    *_indexes("active_alerts", status="status"),
)
actions = sa.Table(
    "actions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_texts("alert fingerprint kind service target"),
    sa.Column("instances", sa.Integer),
    sa.Column("grace_period", sa.Float),
    *_texts("reason"),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    *_texts("state started_at"),
    *_texts("finished_at", nullable=True),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    *_texts("alert_resolved_at", nullable=True),
    *_indexes("actions", end="finished_at", time="started_at"),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_texts("decided_at alert fingerprint service instance action code reason"),
    sa.Column("action_id", sa.ForeignKey(actions.c.id)),
    *_indexes("decisions", alert="fingerprint id"),
)
# The service of a flag of the whole stack is empty.
operator_flags = sa.Table(
    "operator_flags",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    *_texts("set_at"),
)
# Phases and deadlines are seconds by phase.
drill_results = sa.Table(
    "drill_results",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *_texts("alert verdict reason"),
    sa.Column("speed", sa.Float, nullable=False),
    *_texts("started_at finished_at"),
    _json("phase_seconds"),
    _json("deadlines"),
    *_indexes("drill_results", alert="alert speed"),
)

Row = dict[str, Any]

log = logging.getLogger(__name__)


class Database:
    """An open database, shared by threads; `open_database` makes one.

    Each transaction has its own connection. Every method raises `DatabaseError` for every error of
    the database inside.
    """

    def __init__(self, path: Path, engine: sa.Engine) -> None:
        self.path = path
        self._reader = engine
        self._writer = engine.execution_options(writes=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one state of the database."""
        with self.errors(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield a connection with the write lock; commit at the end, roll back on an error."""
        with self.errors(), self._writer.begin() as connection:
            yield connection

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows of a query."""
        with self.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def newest(self, table: sa.Table, limit: int, alert: str | None = None) -> list[Row]:
        """Return rows of a table, newest first, of one alert or of all."""
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        return self.rows(query if alert is None else query.where(table.c.alert == alert))

    def change(self, statement: sa.Update | sa.Insert | sa.Delete) -> int:
        """Execute a statement in a transaction of its own; return the number of changed rows."""
        with self.write() as connection:
            return connection.execute(statement).rowcount

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise `DatabaseError` for every error of the database inside."""
        try:
            yield
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise DatabaseError(f"The database {self.path} fails: {reason}.") from reason


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """Return the database's own `INSERT`, which has `ON CONFLICT`."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def open_database(path: Path) -> Database:
    """Return the database in a file; create it if it is missing, migrate an older one.

    Raises `DatabaseUnusableError`, whose message is a sentence that says what to do.
    """
    engine = _sqlite_engine(path)
    database = Database(path, engine)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock, database.errors():
            # Workers start at the same time, and SQLite does not wait for the switch to WAL.
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.touch()
            with engine.connect() as connection:
                schema = _check_schema(connection, path)
            if schema < REVISION:
                # In a process that then ends: this one would keep Alembic, a sixth of its memory.
                # A fork shares what is imported, so that both together are not larger than one was.
                with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
                    pool.submit(_upgrade, path).result()
                if schema:
                    log.info("The database was migrated from schema %d to %d.", schema, REVISION)
            # An idle connection, so that no other one is the last: when that closes, SQLite copies
            # its log into the file and deletes it, which takes as long as a notification.
            connection = engine.connect()
            weakref.finalize(database, connection.close)
            # Outside of a transaction, where alone SQLite can switch.
            connection.connection.execute("PRAGMA journal_mode = WAL")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")  # opens the file
            connection.commit()
    except DatabaseUnusableError:
        raise
    except (DatabaseError, BrokenExecutor, OSError) as error:
        raise DatabaseUnusableError(
            f"The database {path} cannot be used ({error.__cause__ or error}): "
            "set RESPONDER_DB to a writable file, or move this one away."
        ) from error
    return database


def _sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        # "rw" does not create a missing file: a lost database is an error, not an empty one.
        f"sqlite:///{path.absolute().as_uri()}?mode=rw&uri=true",
        poolclass=sa.NullPool,  # a pooled connection would write on to a deleted file
        connect_args={
            "timeout": BUSY_TIMEOUT_S,
            "isolation_level": None,  # `_begin` begins each transaction
            "check_same_thread": False,
        },
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # FULL: a commit is on disk before the response, also if the power fails.
        try:
            connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        except sqlite3.Error:  # a file that is no database
            connection.close()
            raise

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _check_schema(connection: sa.Connection, path: Path) -> int:
    """Return the revision of a database, 0 if it is empty."""
    tables = sa.inspect(connection).get_table_names()
    after_alembic, before = "SELECT version_num FROM alembic_version", "PRAGMA user_version"
    query = after_alembic if "alembic_version" in tables else before
    schema = int(connection.exec_driver_sql(query).scalar() or 0)
    if schema > REVISION:
        raise DatabaseUnusableError(
            f"The database {path} has schema {schema} and this version knows up to {REVISION}: "
            "run the newer version, or set RESPONDER_DB to another file."
        )
    if schema == 0 and tables:
        raise DatabaseUnusableError(
            f"The database {path} belongs to another program: set RESPONDER_DB to another file."
        )
    return schema


def _upgrade(path: Path) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command  # noqa: PLC0415 - see REVISION
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = _sqlite_engine(path).execution_options(writes=True)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
