"""Killed processes restart by themselves, and everything listens on loopback only."""

from __future__ import annotations

import os
import signal
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from alertdrill.clients.alertmanager import USER
from tests.e2e.stack import Stack, native_only, poll_until, processes_of, running_stack
from tests.e2e.traffic import Traffic

pytestmark = [pytest.mark.stack, native_only]


def test_every_killed_process_is_restarted(stack: Stack) -> None:
    instances = stack.instances()
    del instances["supervisord-1"]  # another test: nothing is left that could start both
    before = {name: instance for name, instance in instances.items() if instance["pid"]}
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


@pytest.mark.parametrize(
    ("name", "path"),
    [("data-service-1", "/process"), ("responder-1", "/webhook")],
    ids=["granian", "gunicorn"],
)
def test_killed_master_with_requests_in_flight_is_back_at_once(
    stack: Stack, name: str, path: str
) -> None:
    instance = stack.instances()[name]
    [worker] = psutil.Process(instance["pid"]).children()
    log = stack.home / "native" / "logs" / "supervisord.log"
    lines = len(log.read_text().splitlines())
    with request_in_flight(stack, instance["address"], path):
        os.kill(instance["pid"], signal.SIGKILL)
        poll_until(lambda: not psutil.pid_exists(worker.pid), "the end of its worker", 3)
    poll_until(lambda: _is_ready(instance), f"{name} to be ready", 10)
    spawned = [line for line in log.read_text().splitlines()[lines:] if "spawned" in line]
    assert len(spawned) == 1, "a start failed"


@contextmanager
def request_in_flight(stack: Stack, address: str, path: str) -> Iterator[None]:
    """Keep a request of which the body is missing, so that the worker does not end by itself.

    It is longer than what gunicorn's worker keeps until it is complete.
    """
    host, _, port = address.partition(":")
    password = (stack.home / "native/alertmanager/password").read_text()
    login = b64encode(f"{USER}:{password}".encode()).decode()
    with socket.create_connection((host, int(port))) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Basic {login}\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head.encode() + b" " * 99_999)
        time.sleep(0.5)  # it has a thread
        yield


def _is_ready(instance: dict[str, Any]) -> bool:
    try:
        return requests.get(f"http://{instance['ops_address']}/readyz", timeout=1).ok
    except requests.RequestException:
        return False


def _supervised(stack: Stack) -> dict[str, int]:
    """Return the process id of each process that supervisord should know."""
    rows = stack.instances()
    del rows["supervisord-1"]
    return {name: row["pid"] for name, row in rows.items()}


def test_killed_supervisor_comes_back_and_nothing_is_lost(stack: Stack) -> None:
    before, pid = _supervised(stack), stack.instances()["supervisord-1"]["pid"]
    logged = len(stack.access_lines("lb", path="/process", frontend="public"))
    with Traffic(stack.url("lb")) as traffic:
        os.kill(pid, signal.SIGKILL)
        poll_until(
            lambda: stack.instances()["supervisord-1"]["pid"] not in (None, pid), "its return", 30
        )
    answers = traffic.since(0)
    assert {answer.status for answer in answers} == {200}
    assert _supervised(stack) == before
    poll_until(
        lambda: (
            len(stack.access_lines("lb", path="/process", frontend="public")) - logged
            == len(answers)
        ),
        "every access line",
        10,
    )


def kill_supervision(rows: dict[str, Any]) -> None:
    """Kill supervisord, and the control API with the worker that would start it again."""
    os.killpg(rows["control-1"]["pid"], signal.SIGKILL)
    os.kill(rows["supervisord-1"]["pid"], signal.SIGKILL)


def test_up_repairs_a_stack_whose_supervisor_and_control_api_were_killed(stack: Stack) -> None:
    before, rows = _supervised(stack), stack.instances()
    with Traffic(stack.url("lb")) as traffic:
        kill_supervision(rows)
        states = {name: row["state"] for name, row in stack.instances().items()}
        assert (states["supervisord-1"], states["control-1"]) == ("failed", "stopped")
        assert states["web-1"] == states["data-service-1"] == states["lb-1"] == "ready"
        assert "a new one adopts" in stack.alertdrill("up").stderr
    assert {answer.status for answer in traffic.since(0)} == {200}
    assert {row["state"] for row in stack.instances().values()} == {"ready", "standby"}
    after = _supervised(stack)
    serving = [name for name in before if name.startswith(("web", "data-service", "lb"))]
    assert {name: after[name] for name in serving} == {name: before[name] for name in serving}


def test_down_ends_what_outlived_its_supervisor(tmp_path: Path) -> None:
    with running_stack(tmp_path) as stack:
        rows = stack.instances()
        kill_supervision(rows)
        output = stack.alertdrill("down").stderr
        assert "leftover processes: " in output
        assert "web-1" in output
        assert processes_of(stack.home) == []


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
