from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from alerting.responder import create_app
from alerting.responder.api import AppState
from alerting.responder.db import open_database
from alerting.responder.errors import DatabaseUnusableError
from alerting.responder.notifications import Filters, NotificationStore
from alerting.responder.settings import ResponderSettings
from alerting.responder.validation import parse_rfc3339, utc_now

Build = Callable[..., dict[str, Any]]

DELIVER_AND_WAIT = """
import signal
import sys
from pathlib import Path
from alerting.responder import create_app
from alerting.responder.settings import ResponderSettings
app = create_app(ResponderSettings(database=Path(sys.argv[1])))
answer = app.test_client().post("/webhook", data=sys.stdin.buffer.read(),
                                content_type="application/json")
print("answered", answer.status_code, file=sys.stderr, flush=True)
signal.pause()
"""


def counted(client: FlaskClient, outcome: str) -> float:
    prefix = f'responder_webhooks_total{{outcome="{outcome}"}} '
    lines = client.get("/metrics").text.splitlines()
    (line,) = (line for line in lines if line.startswith(prefix))
    return float(line.removeprefix(prefix))


def test_repeated_delivery_has_the_same_id(client: FlaskClient, document: Build) -> None:
    first = client.post("/webhook", json=document())
    again = client.post("/webhook", json=document())
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == {"id": 1, "outcome": "stored"}
    assert again.json == {"id": 1, "outcome": "duplicate"}
    assert (counted(client, "stored"), counted(client, "duplicate")) == (1, 1)


def test_malformed_field_is_named_and_counted(client: FlaskClient, document: Build) -> None:
    answer = client.post("/webhook", json=document() | {"status": "pending"})
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json is not None
    assert answer.json["field"] == "status"
    assert counted(client, "malformed") == 1


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "outcome"),
    [
        (b"{", "application/json", 400, "malformed"),
        (b"{}", "text/plain", 400, "malformed"),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "too_large"),
    ],
)
def test_other_body_is_refused(
    client: FlaskClient, body: bytes, mimetype: str, status: int, outcome: str
) -> None:
    assert client.post("/webhook", data=body, content_type=mimetype).status_code == status
    assert counted(client, outcome) == 1


def test_acknowledged_notification_survives_kill(tmp_path: Path, document: Build) -> None:
    path = tmp_path / "responder.db"
    child = subprocess.Popen(
        [sys.executable, "-c", DELIVER_AND_WAIT, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with child:
        assert child.stdin
        assert child.stderr
        child.stdin.write(orjson.dumps(document()))
        child.stdin.close()
        answer = child.stderr.readline()
        child.kill()
    assert answer == b"answered 200\n"
    (item,) = NotificationStore(open_database(path)).find(Filters())
    assert item["alerts"][0]["alert"] == "InstanceDown"


@pytest.mark.parametrize("alert", ["InstanceDown", "Watchdog"])
def test_only_watchdog_ends_its_outage(
    client: FlaskClient, responder: AppState, document: Build, alert: str
) -> None:
    responder.watchdog.check(utc_now() + timedelta(seconds=200))
    assert client.get("/watchdog").status_code == 503
    client.post("/webhook", json=document(alert))
    assert client.get("/watchdog").status_code == (200 if alert == "Watchdog" else 503)


def test_notifications_are_filtered(client: FlaskClient, document: Build) -> None:
    client.post("/webhook", json=document())
    client.post("/webhook", json=document("Watchdog"))
    rows = client.get("/notifications?alert=Watchdog&status=firing&since=0").json
    assert [row["alerts"][0]["alert"] for row in rows or []] == ["Watchdog"]
    answer = client.get("/notifications?color=red")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["field"] == "color"


def test_notification_is_served_with_payload(client: FlaskClient, document: Build) -> None:
    client.post("/webhook", json=document())
    rows = client.get("/notifications/1").json
    assert rows is not None
    assert rows["payload"] == document()


def test_missing_notification_gets_404(client: FlaskClient) -> None:
    for number in (7, 2**70):
        answer = client.get(f"/notifications/{number}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_watchdog_state_has_its_status(
    client: FlaskClient, responder: AppState, document: Build
) -> None:
    fresh = client.get("/watchdog")
    assert fresh.status_code == 200
    assert fresh.json == {"missing": False, "last_seen": None, "timeout_seconds": 180.0}
    client.post("/webhook", json=document("Watchdog"))
    responder.watchdog.check(utc_now() + timedelta(seconds=200))
    status = client.get("/watchdog").json
    assert status is not None
    assert utc_now() - parse_rfc3339(status["last_seen"]) < timedelta(minutes=1)


def test_lost_database_gives_503(
    client: FlaskClient, responder: AppState, database_path: Path, document: Build
) -> None:
    assert client.get("/readyz").status_code == 200
    database_path.unlink()
    for path in ("/notifications", "/notifications/1", "/notification-history", "/watchdog"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert str(database_path) not in answer.text
    assert client.get("/readyz").status_code == 503
    assert client.get("/runbooks/Watchdog").status_code == 200
    answer = client.post("/webhook", json=document())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert counted(client, "failed") == 1
    assert not database_path.exists()


def test_readiness_ignores_the_watchdog(client: FlaskClient, responder: AppState) -> None:
    assert responder.watchdog.check(utc_now() + timedelta(days=1)).missing
    assert client.get("/readyz").status_code == 200


def test_unusable_database_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "responder.db").write_text("no database " * 100)
    with pytest.raises(DatabaseUnusableError, match="RESPONDER_DB"):
        create_app(ResponderSettings(database=tmp_path / "responder.db"))


@pytest.fixture
def login(responder: AppState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the responder demand Alertmanager's login; return the file with the password."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    settings = replace(responder.settings, alertmanager_password_file=file)
    monkeypatch.setitem(vars(responder), "settings", settings)  # it is frozen
    return file


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    "user", ["", "alertdrill:wrong", "other:secret", "é:secret", "alertdrill:secret:"]
)
@pytest.mark.parametrize("scheme", ["Basic ", "Basic \xff", "Bearer "])
def test_notification_without_the_login_is_refused(
    client: FlaskClient, document: Build, user: str, scheme: str
) -> None:
    header = scheme + base64.b64encode(user.encode()).decode()
    answer = client.post("/webhook", json=document(), headers={"Authorization": header})
    assert answer.status_code == 401
    assert client.get("/notifications").json == []
    assert counted(client, "unauthorized") == 1


@pytest.mark.usefixtures("login")
def test_notification_with_the_login_is_stored(client: FlaskClient, document: Build) -> None:
    answer = client.post("/webhook", json=document(), auth=("alertdrill", "secret"))
    assert answer.status_code == 200


def test_notification_is_repeated_while_the_password_is_unreadable(
    client: FlaskClient, document: Build, login: Path
) -> None:
    login.unlink()
    answer = client.post("/webhook", json=document(), auth=("alertdrill", "secret"))
    assert answer.status_code == 503
