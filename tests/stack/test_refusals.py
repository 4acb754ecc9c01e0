"""A start that can't work says why in one sentence, and leaves nothing running."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stack.driver import Stack, environment, free_ports, marked

pytestmark = pytest.mark.stack

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Return a function that runs `up` with more settings and returns its one sentence."""

    def run(**settings: str) -> str:
        made = Stack({**environment(tmp_path, free_ports()), **settings}, tmp_path)
        done = made.firedrill("up", check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert not marked(tmp_path)
        return " ".join(done.stderr.split("✗")[-1].split())

    return run


def test_taken_port_names_its_holder(refused: Refused) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        said = refused(PROMETHEUS_PORT=str(port))
    assert f"Port {port} is taken by" in said
    assert f"(pid {os.getpid()})" in said
    assert "set PROMETHEUS_PORT" in said


def test_bad_port_is_refused_by_name(refused: Refused) -> None:
    assert refused(LB_PORT="high") == "LB_PORT is 'high': it takes a whole number, 1024 to 60000."


def test_missing_program_says_the_way_out(refused: Refused, tmp_path: Path) -> None:
    said = refused(PATH=str(tmp_path), FIREDRILL_CACHE=str(tmp_path / "cache"))
    assert "prometheus 3.5 or newer" in said
    assert "install" in said


def test_unknown_runtime_is_refused(refused: Refused) -> None:
    assert "RUNTIME is 'podman'" in refused(RUNTIME="podman")
