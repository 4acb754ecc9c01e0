"""The example of the library's README works as written: installed by pip, without the stack."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.foreign.logs import ACCESS, read_lines
from tests.foreign.servers import FAULTS_TOKEN, ROOT, Process, free_port
from tests.unit.telemetry.instance import SERVERS, TIMEOUT_S, poll_until

README = (ROOT / "telemetry/README.md").read_text(encoding="utf-8")
INSTALL, EXAMPLE, RUN, ASK = re.findall(r"^```\w+\n(.*?)^```", README, re.M | re.S)[:4]
FLASK, GUNICORN, GRANIAN, GEVENT = RUN.splitlines()
ITEM, METRICS, READY = re.findall(r"localhost:5000(\S+)", ASK)
ROUTE = "/items/<int:number>"
COUNT = "flask_http_request_duration_seconds_count"
HEADERS = {"Authorization": f"Bearer {FAULTS_TOKEN}"}
# One worker installs the package. That takes half a minute, or minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the example, after the README's installation for all servers."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "telemetry").symlink_to(ROOT / "telemetry")
    (folder / "shop.py").write_text(EXAMPLE, encoding="utf-8")
    install = INSTALL.splitlines()[-1]
    others = [install.replace("[gunicorn]", extra) for extra in ("[granian]", "[gevent]")]
    commands = "\n".join([INSTALL, *others])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # our python3
    subprocess.run(["sh", "-ec", commands], cwd=folder, env=environment, check=True)
    return folder


@contextmanager
def serve(command: str, example: Path, output: Path, **settings: str) -> Iterator[Process]:
    """Run a command of the README on a free port."""
    port = free_port()
    ours = {"PATH": f"{example}/.venv-shop/bin", "HOME": str(output)}
    ports = {"PORT": str(port), "FLASK_RUN_PORT": str(port)}
    with (output / "stdout").open("wb") as stdout, (output / "stderr").open("wb") as stderr:
        # env sets the command's variables and becomes the server, which gets our signals.
        process = subprocess.Popen(
            ["/usr/bin/env", *shlex.split(command, comments=True)],
            cwd=example,
            env=ours | ports | settings,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    server = Process(process, port, output)
    try:
        server.wait_until_it_listens()
        yield server
    finally:
        server.stop()


def get(server: Process, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{server.port}{path}", timeout=TIMEOUT_S)


def wait_for_sample(server: Process, sample: str) -> None:
    poll_until(lambda: sample in get(server, METRICS).text.splitlines(), sample)


@pytest.mark.parametrize("command", [FLASK, GUNICORN, GRANIAN, GEVENT], ids=["flask", *SERVERS])
def test_request_has_its_metrics_and_its_line(command: str, example: Path, tmp_path: Path) -> None:
    with serve(command, example, tmp_path, DRAIN_SECONDS="0") as server:
        assert [get(server, path).status_code for path in ("/healthz", READY)] == [200, 200]
        answer = get(server, ITEM)
        assert (answer.status_code, answer.text) == (200, '{"number":7}\n')
        wait_for_sample(server, f'{COUNT}{{method="GET",status="200",url_rule="{ROUTE}"}} 1.0')
    lines = read_lines(server.stdout.read_text())[0]
    (line,) = [line for line in lines if line["logger"] == ACCESS]
    assert (line["route"], line["status"], line["service"]) == (ROUTE, 200, "shop")
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])


@pytest.mark.parametrize("command", [GUNICORN, GRANIAN, GEVENT], ids=SERVERS)
def test_stop_answers_the_request_in_flight(command: str, example: Path, tmp_path: Path) -> None:
    faults = {"FAULTS_ENABLED": "1", "FAULTS_TOKEN": FAULTS_TOKEN}
    with serve(command, example, tmp_path, **faults) as server, ThreadPoolExecutor() as threads:
        hang = f"http://127.0.0.1:{server.port}/faults/hang"
        requests.put(hang, json={}, headers=HEADERS, timeout=TIMEOUT_S).raise_for_status()
        answer = threads.submit(get, server, ITEM)
        wait_for_sample(server, "http_requests_in_flight 1.0")
        exit_code = threads.submit(server.stop)
        poll_until(lambda: get(server, READY).status_code == 503, "/readyz to fail")
        assert not answer.done()
        requests.delete(hang, headers=HEADERS, timeout=TIMEOUT_S).raise_for_status()
        assert answer.result().json() == {"number": 7}
        assert exit_code.result() == 0
