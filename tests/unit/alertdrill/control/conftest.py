"""A fake runtime, and a client of the control API over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from alertdrill.config.settings import StackSettings
from alertdrill.control.app import create_app
from alertdrill.control.settings import ControlSettings
from alertdrill.errors import AlertdrillError
from alertdrill.runtimes.base import Instance, State

TOKEN = "the-token-of-the-control-api"


def instance(name: str, state: State = "ready", healing_enabled: bool = True) -> Instance:
    return Instance(name, name.rpartition("-")[0], state, 7, "127.0.0.1:1", 1.0, healing_enabled)


class FakeRuntime:
    """Records `calls`; raises `error` if set; blocks until `let_go` if it is held."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.error: Exception | None = None
        self.let_go = threading.Event()
        self.let_go.set()
        self.listed: list[Instance] = [
            instance("web-1"),
            instance("web-2", "unready"),
            instance("web-3", "standby"),
            instance("data-service-1", healing_enabled=False),
            instance("lb-1", healing_enabled=False),
        ]

    def status(self) -> Sequence[Instance]:
        return self.listed

    def restart(self, target: str, grace: float | None = None) -> None:
        self._do("restart", target, grace)

    def scale(self, service: str, count: int, on_progress: Callable[[str], None]) -> None:
        self._do("scale", service, count)

    def _do(self, *what: object) -> None:
        self.calls.append(what)
        assert self.let_go.wait(10)
        if self.error:
            raise self.error


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def stack(tmp_path: Path) -> StackSettings:
    return StackSettings(tmp_path, heal={"data-service": False})


@pytest.fixture
def client(runtime: Any, stack: StackSettings) -> FlaskClient:
    """Return a client that sends the token and a key by default."""
    client = create_app(
        ControlSettings(TOKEN, stack, stack.home / "control"), runtime
    ).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    client.environ_base["HTTP_IDEMPOTENCY_KEY"] = "a-key"
    return client


@pytest.fixture
def refused() -> AlertdrillError:
    return AlertdrillError("Not today.")
