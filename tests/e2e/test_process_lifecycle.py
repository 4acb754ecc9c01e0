"""Killed processes restart by themselves, and everything listens on loopback only."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
import requests

from tests.e2e.stack import Stack, native_only, poll_until, processes_of

pytestmark = [pytest.mark.stack, native_only]


def test_every_killed_process_is_restarted(stack: Stack) -> None:
    before = {name: instance for name, instance in stack.instances().items() if instance["pid"]}
    for instance in before.values():
        os.kill(instance["pid"], signal.SIGKILL)

    def all_back() -> bool:
        now = stack.instances()
        return all(
            now[name]["state"] == "ready" and now[name]["pid"] != before[name]["pid"]
            for name in before
        )

    poll_until(all_back, "every process to be back", 30)
    poll_until(lambda: _process(stack) == 200, "requests to be answered", 10)


def test_killed_worker_is_restarted(stack: Stack) -> None:
    arbiter = psutil.Process(stack.instances()["data-service-1"]["pid"])
    [worker] = arbiter.children()
    worker.kill()
    poll_until(
        lambda: [child.pid for child in arbiter.children() if child.pid != worker.pid],
        "a new worker",
        10,
    )
    poll_until(lambda: stack.instances()["data-service-1"]["state"] == "ready", "it to serve", 10)


def test_killed_supervisor_is_recovered_by_up(stack: Stack) -> None:
    pid = int((stack.home / "native" / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    poll_until(lambda: not psutil.pid_exists(pid), "supervisord to be gone", 5)
    assert stack.instances() == {}
    assert processes_of(stack.home), "the instances should have outlived their supervisor"
    output = stack.alertdrill("up").stderr
    assert "leftover" in output
    assert {instance["state"] for instance in stack.instances().values()} == {"ready", "standby"}
    assert _process(stack) == 200


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    listening = [
        (process.name(), connection.laddr.ip, connection.laddr.port)
        for process in psutil.process_iter()
        if _of(process, stack)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN or not connection.raddr
    ]
    assert len(listening) >= 10  # otherwise the test proves nothing
    assert [socket for socket in listening if socket[1] != "127.0.0.1"] == []


def test_second_up_changes_nothing(stack: Stack) -> None:
    before = {name: instance["pid"] for name, instance in stack.instances().items()}
    stack.alertdrill("up")
    assert {name: instance["pid"] for name, instance in stack.instances().items()} == before


def _of(process: psutil.Process, stack: Stack) -> bool:
    try:
        home: str = process.environ().get("ALERTDRILL_STACK", "")
    except psutil.Error:
        return False
    return home.startswith(str(stack.home))


def _process(stack: Stack) -> int:
    return requests.post(stack.url("lb", "/process"), json=[{"x": 1}], timeout=10).status_code
