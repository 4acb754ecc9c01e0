"""What only granian needs: its threads, its port, and how it finds the application."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

from alertdrill_telemetry import SettingsError
from alertdrill_telemetry.granian_server import GranianServer, load
from alertdrill_telemetry.server import Server
from tests.unit.telemetry.instance import ROOT, SERVERS, TIMEOUT_S, Instance, poll_until

THREADS = 6


def test_every_thread_of_a_ready_worker_runs(tmp_path: Path) -> None:
    shop = "tests.unit.telemetry.shop:create_app()"
    with Instance(1, tmp_path, shop, "granian", THREADS=str(THREADS)) as instance:
        (worker,) = instance.workers()
        before = worker.num_threads()
        slow = f"{instance.url}/slow?seconds=1"
        clients = [
            threading.Thread(target=requests.get, args=(slow,), kwargs={"timeout": TIMEOUT_S})
            for _ in range(THREADS)
        ]
        for client in clients:
            client.start()
        in_flight = "http_requests_in_flight"
        poll_until(lambda: instance.samples()[in_flight] == THREADS, "busy threads")
        # A scrape may have a thread of the port of the operations.
        assert THREADS < worker.num_threads() <= before + 1
        for client in clients:
            client.join(TIMEOUT_S)
        # The requests that start the threads are none of the application's.
        assert len(instance.lines("access")) == THREADS


def test_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, *SERVERS["granian"]],
            cwd=ROOT,
            env={
                "PYTHONPATH": os.pathsep.join(sys.path),
                "APP": "apps.data_service:create_app()",
                "SERVICE": "data-service",
                "PORT": str(port),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert ended.returncode == 1
    assert f"PORT {port} on 127.0.0.1 can't be used: Address already in use" in ended.stdout


def test_several_addresses_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SERVICE": "web", "HOST": "127.0.0.1,127.0.0.2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="which has 2 addresses: granian listens at one"):
        GranianServer(Server.from_env())


def test_application_is_a_name_or_the_result_of_a_factory() -> None:
    assert load("os:getpid") is os.getpid
    assert load("os:getpid()") == os.getpid()
    assert load("builtins:dict(a=[1])") == {"a": [1]}


def test_factory_without_a_call_is_refused() -> None:
    target = "tests.unit.telemetry.shop:create_app"
    with pytest.raises(SettingsError, match=rf"a factory: write {target}\(\)\."):
        load(target)


@pytest.mark.parametrize("target", ["", "os", "os:", ":app", "os:a.b", "os:getenv(PATH)", "os:a b"])
def test_other_target_is_refused(target: str) -> None:
    with pytest.raises(SettingsError, match="it must be MODULE:NAME or MODULE:FACTORY"):
        load(target)
