"""Fixtures: an application with telemetry, its log lines, and a peer on the loopback."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from alertdrill_telemetry import TelemetrySettings, init_app, problems, shared_counters
from alertdrill_telemetry.faults.background_faults import BackgroundFaults
from tests.http_server import Peer
from tests.unit.telemetry.observed import Shop

TOKEN = "a-token-for-the-tests"  # 16 characters or more


@pytest.fixture(autouse=True)
def untouched_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the process state that an application changes, and start no threads."""
    # pytest's own hooks would be called as those of any other program.
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(BackgroundFaults, "start", lambda _: None)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    # Tests of other folders run in the same process: a draining instance would not be ready there.
    for counters in (shared_counters.DRAIN, shared_counters.FAULTS, shared_counters.STDOUT):
        counters[:] = memoryview(bytes(counters.nbytes)).cast("d")
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings() -> TelemetrySettings:
    return TelemetrySettings(
        "web",
        "web-1",
        "1.2.3",
        max_body_bytes=1000,
        faults_enabled=True,
        faults_token=TOKEN,
        connect_timeout=1.0,
        read_timeout=1.0,
    )


@pytest.fixture
def app(settings: TelemetrySettings) -> Flask:
    app = Flask("web", static_folder=None)
    init_app(app, "web", settings)
    problems.init_app(app, settings.max_body_bytes)
    app.add_url_rule("/items/<int:number>", "item", lambda number: {"number": number})
    app.add_url_rule("/fail", "fail", lambda: str(1 / 0))
    app.add_url_rule("/read", "read", lambda: bytes(request.data), methods=["POST"])
    app.add_url_rule("/parse", "parse", lambda: {"got": request.get_json()}, methods=["POST"])
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def operator(app: Flask) -> FlaskClient:
    """Return a client that has the fault token."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return client


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """Return a function that returns the lines logged since its last call, which must be JSON."""
    return lambda: [json.loads(line) for line in capfd.readouterr().out.split("\n") if line]


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()
