"""A failed start reports its reason in one sentence and leaves nothing running."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL

import pytest

from alertdrill.config import ROOT
from tests.e2e.repository_copy import copy_repository
from tests.e2e.stack import Stack, environment, free_ports, native_only, poll_until, processes_of

pytestmark = [pytest.mark.stack, native_only]

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Return a function that runs `up` with more settings and returns its error."""

    def run(root: Path = ROOT, **settings: str) -> str:
        stack = Stack({**environment(tmp_path, free_ports()), **settings}, tmp_path, root)
        completed = stack.alertdrill("up", check=False)
        assert completed.returncode == 1
        assert "Traceback" not in completed.stderr
        assert not processes_of(tmp_path)
        return " ".join(completed.stderr.split("✗")[-1].split())

    return run


def test_port_in_use_is_refused_with_its_owner(refused: Refused) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        message = refused(PROMETHEUS_PORT=str(port))
    assert f"Port {port} is in use by" in message
    assert f"(pid {os.getpid()})" in message
    assert "set PROMETHEUS_PORT" in message


def test_invalid_port_is_refused_with_its_variable(refused: Refused) -> None:
    assert refused(LB_PORT="high") == "LB_PORT is 'high': use a whole number from 1024 to 60000."


def test_missing_program_is_refused_with_advice(refused: Refused, tmp_path: Path) -> None:
    message = refused(PATH=str(tmp_path), ALERTDRILL_CACHE=str(tmp_path / "cache"))
    assert "prometheus 3.5 or newer" in message
    assert "install" in message


@pytest.mark.parametrize(
    ("file", "right", "wrong", "named"),
    [
        (
            "prometheus/rules/availability.yml",
            'up{job!="load"} == 0',
            'up{job!="load"} ==',
            "prometheus/",
        ),
        ("prometheus/prometheus.yml", "scrape_interval", "scrap_interval", "prometheus/"),
        ("prometheus/blackbox.yml", "prober", "probr", "prometheus/blackbox.yml"),
        ("alerting/alertmanager.yml", "receiver:", "reciever:", "alerting/alertmanager.yml"),
        ("lb/haproxy.cfg", "nbthread", "nbthreads", "lb/haproxy.cfg"),
    ],
)
def test_invalid_configuration_is_refused_with_its_file(
    refused: Refused, tmp_path: Path, file: str, right: str, wrong: str, named: str
) -> None:
    copy = copy_repository(tmp_path / "copy")
    text = (copy / file).read_text()
    assert right in text
    (copy / file).write_text(text.replace(right, wrong, 1))
    assert f"{named} is broken: " in refused(root=copy)


def test_down_stops_what_a_crashed_up_started(tmp_path: Path) -> None:
    stack = Stack(environment(tmp_path, free_ports()), tmp_path)
    with stack.start("up", stdout=DEVNULL, stderr=DEVNULL) as process:
        poll_until(lambda: len(processes_of(tmp_path)) > 5, "some processes to be started", 30)
        process.kill()
    stack.alertdrill("down")
    assert not processes_of(tmp_path)


def test_unknown_runtime_is_refused(refused: Refused) -> None:
    assert "RUNTIME is 'podman'" in refused(RUNTIME="podman")
