"""The responder's database: its tables, its transactions and its migrations.

Statements are SQLAlchemy's, for any database; only `open_database` and the engine know SQLite.
"""

from __future__ import annotations

import fcntl
import logging
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
REVISION = 5
MAX_ID = 2**63 - 1  # the largest of SQLite


def _table(name: str, columns: str, **types: type[sa.types.TypeEngine[Any]]) -> sa.TableClause:
    named = [sa.column(column, types.get(column)) for column in columns.split()]
    return sa.table(name, *named)


# The columns that statements name; the migrations have the whole schema.
notifications = _table(
    "notifications",
    "id digest status receiver group_key received_at last_received_at deliveries payload",
)
alerts = _table(
    "alerts",
    "notification_id position fingerprint alert status service instance severity starts_at ends_at"
    " labels annotations",
    labels=sa.JSON,
    annotations=sa.JSON,
)
write_checks = _table("write_checks", "id checked_at")
active_alerts = _table(
    "active_alerts",
    "fingerprint alert labels status starts_at last_notified_at taken_over",
    labels=sa.JSON,
    taken_over=sa.Boolean,
)
actions = _table(
    "actions",
    "id alert fingerprint kind service target instances grace_period reason dry_run state"
    " started_at finished_at message alert_resolved_at",
    dry_run=sa.Boolean,
)
decisions = _table(
    "decisions",
    "id decided_at alert fingerprint service instance action code reason action_id",
)
operator_flags = _table("operator_flags", "name set_at")
# Phases and deadlines are seconds by phase.
drill_results = _table(
    "drill_results",
    "id alert verdict reason speed started_at finished_at phase_seconds deadlines",
    phase_seconds=sa.JSON,
    deadlines=sa.JSON,
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

    def keep_open(self) -> None:
        """Hold an idle connection, so that other connections are never the last one.

        When the last connection closes, SQLite copies its log into the file and deletes the log,
        which takes as long as a notification.
        """
        with self.errors():
            connection = self._reader.connect()
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")  # opens the file
            connection.commit()
        weakref.finalize(self, connection.close)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise `DatabaseError` for every error of the database inside."""
        try:
            yield
        except SQLAlchemyError as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise DatabaseError(f"The database {self.path} fails: {reason}.") from reason


def insert(connection: sa.Connection, table: sa.TableClause) -> Any:
    """Return the database's own `INSERT`, which has `ON CONFLICT`."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def open_database(path: Path) -> Database:
    """Return the database in a file; create it if it is missing, migrate an older one.

    Raises `DatabaseUnusableError`, whose message is a sentence that says what to do.
    """
    database = Database(path, _sqlite_engine(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            # Workers start at the same time, and SQLite does not wait for the switch to WAL.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                path.touch()
            with database.read() as connection:
                schema = _check_schema(connection, path)
            if schema < REVISION:
                _migrate(database)
                if schema:
                    log.info("The database was migrated from schema %d to %d.", schema, REVISION)
            with database.read() as connection:
                # Outside of a transaction, where alone SQLite can switch.
                connection.connection.execute("PRAGMA journal_mode = WAL")
        database.keep_open()
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
        connection.executescript("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _check_schema(connection: sa.Connection, path: Path) -> int:
    """Return the revision of a database, 0 if it is empty."""
    tables = sa.inspect(connection).get_table_names()
    if "alembic_version" in tables:
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    else:  # a database from before Alembic
        version = connection.execute(sa.text("PRAGMA user_version")).scalar()
    schema = int(version or 0)
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


def _migrate(database: Database) -> None:
    """Migrate in a process that then ends: this one would keep Alembic, a sixth of its memory."""
    # A fork shares what is imported, so that both together are not larger than one was.
    with database.errors(), ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        pool.submit(_upgrade, database.path).result()


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
