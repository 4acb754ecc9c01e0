from typing import Any

import pytest

from firedrill.runtimes.compose.engine import Engine, read
from firedrill.runtimes.compose.errors import EngineError


def said(**state: Any) -> dict[str, Any]:
    labels = {
        "com.docker.compose.service": "data-service",
        "com.docker.compose.container-number": "2",
    }
    known = {"Status": "running", "Pid": 7, "StartedAt": "2026-11-24T10:00:00.123456789Z"}
    return {
        "Name": "/firedrill-data-service-2",
        "Config": {"Labels": labels},
        "State": {**known, **state},
    }


def test_container_is_read() -> None:
    found = read(said(Health={"Status": "healthy"}))
    assert (found.instance, found.state, found.health, found.pid) == (
        "data-service-2",
        "running",
        "healthy",
        7,
    )
    assert found.started == 1795514400.0


def test_container_that_never_ran_is_read() -> None:
    found = read(said(Status="created", Pid=0, StartedAt="0001-01-01T00:00:00Z"))
    assert (found.state, found.health, found.pid, found.started) == ("created", "none", None, 0.0)


def test_absent_engine_says_the_way_out() -> None:
    with pytest.raises(EngineError, match="start it, or use RUNTIME=native"):
        Engine("firedrill", lambda: "tcp://127.0.0.1:9").containers()
