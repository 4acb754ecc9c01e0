"""docs/generate/responder_endpoints.yml describes the endpoints as the responder serves them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from alerting.responder import create_app
from alerting.responder.settings import ResponderSettings
from docs.generate import responder_endpoints
from docs.generate.errors import GenerateError

TOKEN = "the-token-of-the-responder"
ENDPOINTS: Mapping[str, Any] = {
    name: entry
    for group in yaml.safe_load(responder_endpoints.ENDPOINTS.read_text())
    for name, entry in group["endpoints"].items()
}


@pytest.fixture(autouse=True, scope="module")
def handlers() -> Iterator[None]:
    """Restore the log handlers, which the responder replaces."""
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(scope="module", params=[TOKEN, ""], ids=["token", "no token"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    database = tmp_path_factory.mktemp("responder") / "responder.db"
    password = database.with_name("password")
    password.write_text("the-password-of-alertmanager")
    settings = ResponderSettings(
        database=database, token=request.param, alertmanager_password_file=password
    )
    app = create_app(settings)
    yield app.test_client()
    app.extensions["responder"].watchdog.stop()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_endpoint_answers_as_documented(client: FlaskClient, name: str) -> None:
    method, _, path = name.partition(" ")
    statuses = {
        client.open(f"{url}{query}", method=method, headers=headers, json={}).status_code
        for url in (path.replace("ALERT", alert).replace("ID", "1") for alert in ("Watchdog", "No"))
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}"})
        for query in ("", "?limit=0")
    }
    assert statuses <= set(ENDPOINTS[name]["statuses"])
    login = "token" in ENDPOINTS[name] or 401 in ENDPOINTS[name]["statuses"]
    assert bool(statuses & {401, 403}) == login


def test_undescribed_endpoint_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yml"
    file.write_text(responder_endpoints.ENDPOINTS.read_text().replace("POST /pause", "POST /stop"))
    monkeypatch.setattr(responder_endpoints, "ENDPOINTS", file)
    with pytest.raises(GenerateError, match=r"differ in \['POST /pause', 'POST /stop'\]"):
        responder_endpoints.page()


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/actions/<int(max=9):action_id>/cancel", "/actions/ID/cancel"),
        ("/runbooks/<alert>", "/runbooks/ALERT"),
        ("/", "/"),
    ],
)
def test_variables_of_a_path_are_capitals(rule: str, path: str) -> None:
    assert responder_endpoints.path(rule) == path
