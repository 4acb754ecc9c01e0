from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from alerting.responder.state import Responder


@pytest.mark.parametrize("path", ["/notifications", "/notifications/1", "/journal", "/watchdog"])
def test_lost_journal_gives_503(client: FlaskClient, responder: Responder, path: str) -> None:
    responder.journal.path.unlink()
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert str(responder.journal.path) not in answer.text


def test_lost_journal_leaves_runbooks(client: FlaskClient, responder: Responder) -> None:
    responder.journal.path.unlink()
    assert client.get("/runbooks/Watchdog").status_code == 200
