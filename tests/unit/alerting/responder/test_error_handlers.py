from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from alerting.responder.app_state import AppState


@pytest.mark.parametrize(
    "path", ["/notifications", "/notifications/1", "/notification-history", "/watchdog"]
)
def test_lost_database_gives_503(client: FlaskClient, responder: AppState, path: str) -> None:
    responder.notifications.path.unlink()
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert str(responder.notifications.path) not in answer.text


def test_runbooks_need_no_database(client: FlaskClient, responder: AppState) -> None:
    responder.notifications.path.unlink()
    assert client.get("/runbooks/Watchdog").status_code == 200
