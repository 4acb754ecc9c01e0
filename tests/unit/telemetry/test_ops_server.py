"""A port of its own for the operations, and what `/readyz` answers there."""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from flask import Flask

from alertdrill_telemetry import SettingsError, init_app
from alertdrill_telemetry.ops_server import MAX_CONNECTIONS, OpsListener
from tests.unit.telemetry.instance import ROOT, SERVERS, TIMEOUT_S, Instance, free_port, poll_until
from tests.unit.telemetry.observed import SETTINGS

# Shorter than by default, so that the test is.
STALL_SECONDS = 1.0
THREADS = 2


@pytest.fixture(scope="module", params=SERVERS)
def instance(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    with Instance(
        1,
        tmp_path_factory.mktemp("instance"),
        server=request.param,
        # gunicorn's option overrides the variable.
        THREADS="8" if request.param == "gunicorn" else str(THREADS),
        GUNICORN_CMD_ARGS=f"--threads {THREADS}",
        STALL_SECONDS=str(STALL_SECONDS),
    ) as instance:
        yield instance


def status(url: str) -> int:
    return requests.get(url, timeout=TIMEOUT_S).status_code


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/x", {"PATH_INFO": "/metrics"}),
        ("http://127.0.0.1/metrics", {}),
        ("http://127.0.0.1//metrics", {}),
    ],
)
def test_target_of_a_client_is_the_applications(
    instance: Instance, target: str, headers: Mapping[str, str]
) -> None:
    before = len(instance.lines("access"))
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=TIMEOUT_S)
    with closing(connection):
        connection.request("GET", target, headers=headers)
        with connection.getresponse() as answer:
            assert answer.status == 404
    # It is the application's own 404: an operation has no access line.
    (line,) = poll_until(lambda: instance.lines("access")[before:], "the access line")
    assert (line["status"], line["route"]) == (404, None)


def test_health_check_of_the_container_goes_to_the_operations(instance: Instance) -> None:
    program = ROOT / "telemetry/alertdrill_telemetry/healthcheck.py"
    port = instance.operations.rpartition(":")[2]

    def healthy(**variables: str) -> bool:
        command = [sys.executable, "-I", "-S", str(program)]
        return subprocess.run(command, env=variables, check=False).returncode == 0

    assert healthy(PORT=str(instance.port), OPS_PORT=port)
    assert healthy(PORT=port, OPS_PORT="0")
    assert not healthy(PORT=str(instance.port))


def test_operations_are_no_way_to_the_application(instance: Instance) -> None:
    assert [status(f"{instance.operations}{path}") for path in ("/metrics", "/process")] == [
        200,
        404,
    ]


def test_instance_whose_threads_hang_is_not_ready(instance: Instance) -> None:
    instance.fault("hang", duration=60)
    clients = [threading.Thread(target=instance.post, daemon=True) for _ in range(THREADS)]
    for client in clients:
        client.start()
    poll_until(lambda: instance.samples()["http_requests_in_flight"] == THREADS, "busy threads")
    assert status(f"{instance.operations}/healthz") == 200

    def reasons() -> dict[str, str]:
        answer = requests.get(f"{instance.operations}/readyz", timeout=TIMEOUT_S).json()
        found: dict[str, str] = answer.get("reasons", {})
        return found

    (reason,) = poll_until(reasons, "it to be not ready").items()
    assert reason[0] == "worker_threads"
    assert reason[1].startswith(f"All {THREADS} worker threads have been busy for ")
    instance.end_fault("hang")
    for client in clients:
        client.join(TIMEOUT_S)
    poll_until(lambda: status(f"{instance.operations}/readyz") == 200, "it to be ready")


def test_response_is_sent_at_once(instance: Instance) -> None:
    # Of an instance that stops meanwhile, a client would take the status line alone for a response
    # without metrics.
    address = ("127.0.0.1", int(instance.operations.rpartition(":")[2]))
    for _ in range(20):
        with socket.create_connection(address, TIMEOUT_S) as client:
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert client.recv(65536).endswith(b"}\n")


def test_connections_beyond_the_limit_are_closed(instance: Instance) -> None:
    address = ("127.0.0.1", int(instance.operations.rpartition(":")[2]))
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _ in range(200)]
        poll_until(lambda: len(closed(idle)) == 200 - MAX_CONNECTIONS, "the rest to be closed")
    poll_until(lambda: is_alive(instance), "an answer after that")


def test_heads_that_never_end_block_no_probe_and_are_closed(instance: Instance) -> None:
    address = ("127.0.0.1", int(instance.operations.rpartition(":")[2]))
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(address))
            for _ in range(MAX_CONNECTIONS + 1)
        ]

        def all_are_closed() -> bool:
            for connection in set(slow) - set(closed(slow)):
                with suppress(OSError):
                    connection.sendall(b"G")
            assert is_alive(instance)
            return len(closed(slow)) == len(slow)

        poll_until(all_are_closed, "the connections to be closed")


def closed(connections: list[socket.socket]) -> list[socket.socket]:
    """Return the connections that the other side has closed."""
    return select.select(connections, [], [], 0)[0]


def is_alive(instance: Instance) -> bool:
    try:
        return status(f"{instance.operations}/healthz") == 200
    except requests.ConnectionError:
        return False


SLOW_APP = """
import pathlib, time
from flask import Flask
from alertdrill_telemetry import init_app

app = Flask("slow")
init_app(app, "slow")
time.sleep(1)
pathlib.Path(__file__).with_name("loaded").touch()
"""


@pytest.mark.parametrize("server", SERVERS)
def test_instance_is_not_ready_before_its_application_is_loaded(
    server: str, tmp_path: Path
) -> None:
    (tmp_path / "slow_app.py").write_text(SLOW_APP)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    with Instance(1, tmp_path, "slow_app:app", server, PYTHONPATH=path):
        assert (tmp_path / "loaded").exists()


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--preload"], {}, "Each worker loads the application itself: remove --preload."),
        (["-w", "2"], {}, "gunicorn has 2 workers, and WORKERS is 1: set WORKERS"),
        ([], {"PORT": "5000", "OPS_PORT": "5000"}, "PORT and OPS_PORT are both 5000"),
    ],
)
def test_contradicting_settings_are_refused(
    arguments: list[str], variables: dict[str, str], message: str
) -> None:
    port = free_port()
    ended = run(
        *("-m", "gunicorn", "-c", "python:alertdrill_telemetry.gunicorn_conf"),
        *(*arguments, "apps.data_service:create_app()"),
        **{"PORT": str(port), "OPS_PORT": str(free_port(port)), **variables},
    )
    assert ended.returncode != 0
    assert message in ended.stdout + ended.stderr


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "SERVICE": "data-service", **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


COMMAND = ("-m", "flask", "--app", "apps.data_service:create_app()", "routes")


def test_other_programs_do_without_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = run(*COMMAND, OPS_PORT=port)
        script = run("-c", "import apps.data_service as d; d.create_app()", OPS_PORT=port)
    assert (command.returncode, script.returncode) == (0, 0)
    assert "can't be used" not in command.stdout
    message = json.loads(script.stdout)["message"]
    assert message.startswith(f"OPS_PORT {port} on 127.0.0.1 can't be used: Address already in use")
    assert message.endswith("This process has no operations endpoints.")


def test_flask_run_has_the_operations_on_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    settings = replace(SETTINGS, ops_port=free_port())
    app = Flask("shop", static_folder=None)
    init_app(app, "shop", settings)
    assert app.test_client().get("/readyz").status_code == 200


def test_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"OPS_PORT {port} on 127.0.0.1 can't be used"):
            OpsListener("127.0.0.1", port)


def test_address_may_be_of_version_6() -> None:
    listener = OpsListener("[::1]", free_port())
    assert listener._sockets[0].family == socket.AF_INET6
    listener._sockets[0].close()
