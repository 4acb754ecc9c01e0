import base64
from pathlib import Path

import pytest

from alertdrill.clients.alertmanager import Alertmanager
from alertdrill.clients.http import UnreachableError
from tests.http_server import FakeServer


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("secret\n")
    return file


def test_alerts_are_filtered_by_name(server: FakeServer, password_file: Path) -> None:
    server.answers["/api/v2/alerts"] = [{"labels": {}}]
    assert Alertmanager(server.url, password_file).alerts("Down") == [{"labels": {}}]
    assert server.requests[0].query == {"filter": 'alertname="Down"'}


def test_request_has_the_password_of_the_file(server: FakeServer, password_file: Path) -> None:
    server.answers["/api/v2/alerts"] = []
    Alertmanager(server.url, password_file).alerts("Down")
    sent = server.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"alertdrill:secret"


def test_refusal_names_the_file(server: FakeServer, password_file: Path) -> None:
    server.answers["/api/v2/alerts"] = 401
    with pytest.raises(UnreachableError) as raised:
        Alertmanager(server.url, password_file).alerts("Down")
    message = f"Alertmanager refused the password in {password_file}: restart the stack"
    assert str(raised.value).startswith(message)
    assert raised.value.status == 401


def test_missing_file_is_named(server: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "absent"
    with pytest.raises(UnreachableError, match=rf"can't be read \(No such file.*: {file}\)"):
        Alertmanager(server.url, file).alerts("Down")
    assert server.requests == []
