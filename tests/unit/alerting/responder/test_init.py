from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from alerting.responder import create_app
from alerting.responder.app_state import AppState
from alerting.responder.errors import DatabaseUnusableError
from alerting.responder.settings import ResponderSettings
from alerting.responder.timestamps import utc_now


def test_readiness_is_a_real_write(client: FlaskClient, responder: AppState) -> None:
    assert client.get("/readyz").status_code == 200
    responder.notifications.path.unlink()
    assert client.get("/readyz").status_code == 503


def test_readiness_ignores_the_watchdog(client: FlaskClient, responder: AppState) -> None:
    assert responder.watchdog.check(utc_now() + timedelta(days=1)).missing
    assert client.get("/readyz").status_code == 200


def test_unusable_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "responder.db").write_text("no database " * 100)
    with pytest.raises(DatabaseUnusableError, match="RESPONDER_DB"):
        create_app(ResponderSettings(database=tmp_path / "responder.db"))
