"""The SQLite database: one connection for each request, and the command that creates it."""

import sqlite3
import time
from pathlib import Path

import click
from flask import Flask, current_app, g
from flask.cli import with_appcontext

# How long a statement waits for another process that writes.
BUSY_TIMEOUT_S = 5.0


def init_app(app: Flask) -> None:
    """Close the connection after each request, and add the command `flask init-db`."""
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db)


def get_db() -> sqlite3.Connection:
    """Return the connection of this request."""
    db: sqlite3.Connection | None = g.get("db")
    if db is None:
        db = g.db = sqlite3.connect(current_app.config["DATABASE"], timeout=BUSY_TIMEOUT_S)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
    return db


def close_db(_error: BaseException | None = None) -> None:
    """Close the connection of this request, if there is one."""
    db = g.pop("db", None)
    if db is not None:
        db.close()


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the tables that do not exist yet."""
    create_tables()
    click.echo(f"The database {current_app.config['DATABASE']} is ready.")


def create_tables() -> None:
    Path(current_app.config["DATABASE"]).parent.mkdir(parents=True, exist_ok=True)
    enable_wal(get_db())
    with current_app.open_resource("schema.sql", "r") as schema:
        get_db().executescript(schema.read())


def enable_wal(db: sqlite3.Connection) -> None:
    """Let readers and a writer work at the same time; the database file keeps this mode."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # For this statement, SQLite does not wait until another process ends its own.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
