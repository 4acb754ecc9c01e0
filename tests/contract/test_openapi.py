"""Each service's OpenAPI document describes the routes that its application has."""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from flask import Flask

from alertdrill.audit.hostile.inputs import Values, operations
from alertdrill.config.services import SERVICES
from alertdrill_telemetry import TelemetrySettings
from apps.web.settings import WebSettings
from tests.http_server import Peer

# The services that describe their routes; no service has to.
DESCRIBED = [name for name, item in SERVICES.items() if (item.folder / "openapi.json").is_file()]
METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH"}


@pytest.fixture(autouse=True, scope="module")
def handlers() -> Iterator[None]:
    """Restore the log handlers, which telemetry replaces."""
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture(scope="module", params=DESCRIBED)
def app(request: pytest.FixtureRequest, peer: Peer) -> Flask:
    settings = TelemetrySettings(request.param, f"{request.param}-1")
    module = importlib.import_module(f"apps.{SERVICES[request.param].package}")
    own = {"settings": WebSettings(peer.url)} if request.param == "web" else {}
    app: Flask = module.create_app(**own, telemetry=settings)
    return app


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    response = app.test_client().get("/openapi.json", buffered=True)
    assert response.mimetype == "application/json"
    document: dict[str, Any] = json.loads(response.data)
    return document


def test_document_has_every_route_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in METHODS & (rule.methods or set())
    }
    assert {(item.method, item.path) for item in operations(document)} == routes
    assert document["openapi"].startswith("3.1")


def test_every_status_is_described(app: Flask, document: dict[str, Any]) -> None:
    client = app.test_client()
    for item in operations(document):
        described = document["paths"][item.path][item.method.lower()]["responses"]
        for seed in range(100 if item.schema else 1):
            body = Values(Random(seed), wrong=seed % 2 / 4).of(item.schema or {})
            response = client.open(item.path, method=item.method, json=body, buffered=True)
            assert str(response.status_code) in described, body
