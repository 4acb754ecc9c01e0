"""Notifications as Alertmanager sends them, and a responder to send them to."""

from __future__ import annotations

import copy
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from alerting.responder import create_app
from alerting.responder.api import AppState
from alerting.responder.db import Database, open_database
from alerting.responder.healing.store import HealingStore
from alerting.responder.notifications import Notification, NotificationStore, parse_notification
from alerting.responder.settings import ResponderSettings
from tests.unit.alerting.responder.healing.samples import BEGAN

Document = dict[str, Any]
Build = Callable[..., Document]

TOKEN = "a token of twenty-four"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}

# The form of Alertmanager's webhook documentation, with the order of its own JSON.
RECEIVED: Document = {
    "receiver": "responder",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "InstanceDown",
                "instance": "web-1",
                "service": "web",
                "severity": "ticket",
            },
            "annotations": {"summary": "An instance does not answer its scrapes."},
            "startsAt": "2025-11-23T17:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": "5ef77f1f8a3ecfa7",
        }
    ],
    "groupLabels": {"alertname": "InstanceDown", "service": "web"},
    "commonLabels": {"alertname": "InstanceDown", "service": "web", "severity": "ticket"},
    "commonAnnotations": {"summary": "An instance does not answer its scrapes."},
    "externalURL": "http://127.0.0.1:9093",
    "version": "4",
    "groupKey": '{}:{alertname="InstanceDown", service="web"}',
    "truncatedAlerts": 0,
}


def build(
    alert: str = "InstanceDown",
    status: str = "firing",
    starts: str = "2025-11-23T17:00:00.123456789Z",
    **labels: str,
) -> Document:
    document = copy.deepcopy(RECEIVED)
    (only,) = document["alerts"]
    only["labels"] |= {"alertname": alert, **labels}
    only |= {"status": status, "startsAt": starts}
    if status == "resolved":
        only["endsAt"] = "2025-11-23T18:00:00Z"
    return document | {"status": status, "groupKey": f"{{}}:{{alertname={alert!r}}}"}


@pytest.fixture(scope="session")
def document() -> Build:
    return build


@pytest.fixture(scope="session")
def notification() -> Callable[..., Notification]:
    return lambda *values, **labels: parse_notification(orjson.dumps(build(*values, **labels)))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of the current schema, to copy: a migration takes longer than a test."""
    path = tmp_path_factory.mktemp("responder") / "empty.db"
    database = open_database(path)
    with database.read() as connection:  # into the file, from the log beside it
        connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def database_path(tmp_path: Path, empty_database: Path) -> Path:
    """Return the path of an empty database."""
    return Path(shutil.copy(empty_database, tmp_path / "responder.db"))


@pytest.fixture
def database(database_path: Path) -> Database:
    return open_database(database_path)


@pytest.fixture
def inbox(database: Database) -> NotificationStore:
    return NotificationStore(database)


@pytest.fixture
def app(database_path: Path) -> Iterator[Flask]:
    handlers = list(logging.getLogger().handlers)
    app = create_app(ResponderSettings(database=database_path, token=TOKEN))
    yield app
    app.extensions["responder"].watchdog.stop()
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
def responder(app: Flask) -> AppState:
    parts = app.extensions["responder"]
    assert isinstance(parts, AppState)
    return parts


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def store(database: Database) -> HealingStore:
    return HealingStore(database)


@pytest.fixture
def notify(
    inbox: NotificationStore, notification: Callable[..., Notification]
) -> Callable[..., None]:
    """Return a function that stores a notification; the labels make the fingerprint."""

    def store_notification(*values: str, at: datetime = BEGAN, **labels: str) -> None:
        message = notification(*values, **labels)
        (alert,) = message.alerts
        fingerprint = ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
        alerts = [alert.model_copy(update={"fingerprint": fingerprint})]
        inbox.record(message.model_copy(update={"alerts": alerts, "payload": "{}"}), at)

    return store_notification
