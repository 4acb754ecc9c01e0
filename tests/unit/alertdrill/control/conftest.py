"""A fake runtime, and a client of the control API over it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import create_app
from alertdrill.control.settings import ControlSettings
from tests.unit.alertdrill.fake_runtime import FakeRuntime, instance

TOKEN = "the-token-of-the-control-api"


@pytest.fixture(autouse=True)
def unchanged_logging() -> Iterator[None]:
    """Restore the handlers and the level that an application replaces."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def runtime() -> FakeRuntime:
    runtime = FakeRuntime()
    runtime.running = [
        instance("web-1", healing_enabled=True),
        instance("web-2", state="unready", healing_enabled=True),
        instance("web-3", state="standby", healing_enabled=True),
        instance("data-service-1"),
        instance("lb-1"),
    ]
    return runtime


@pytest.fixture
def settings(tmp_path: Path) -> ControlSettings:
    return ControlSettings(TOKEN, StackSettings(tmp_path), tmp_path / "control")


@pytest.fixture
def client(runtime: FakeRuntime, settings: ControlSettings) -> FlaskClient:
    """Return a client that sends the token and a key by default."""
    client = create_app(settings, runtime).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    client.environ_base["HTTP_IDEMPOTENCY_KEY"] = "a-key"
    return client
