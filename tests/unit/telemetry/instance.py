"""A real instance of a service: a server on a free port of the loopback, and its workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
TOKEN = "a-token-for-the-tests"
# Starting takes about 2 s; a machine with other work may need many times that.
TIMEOUT_S = 30.0
# The command of each server, and the logger of its own lines.
SERVERS = {
    "gunicorn": ("-m", "gunicorn", "-c", "python:alertdrill_telemetry.gunicorn_conf"),
    "granian": ("-m", "alertdrill_telemetry.granian_server"),
    "gevent": (
        *("-m", "gevent.monkey", "--module", "gunicorn"),
        *("-c", "python:alertdrill_telemetry.gunicorn_conf"),
    ),
}
SERVER_LOGGERS = {"gunicorn": "gunicorn.error", "granian": "_granian", "gevent": "gunicorn.error"}


def poll_until(check: Callable[[], T], what: str, timeout: float = TIMEOUT_S) -> T:
    """Return the first true result of `check`; fail with the name of the condition."""
    deadline = time.monotonic() + timeout
    while not (answer := check()):
        if time.monotonic() > deadline:
            pytest.fail(f"Waited {timeout:g} s in vain for {what}; last answer: {answer!r}")
        time.sleep(0.02)
    return answer


def free_port(other: int = 0) -> int:
    """Return a free port that is not `other`, which may be free too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port if port != other else free_port(other)


def is_stopped(process: psutil.Process) -> bool:
    """Return whether every thread of a process has stopped: they do not stop at once."""
    states = [
        stat.read_text().rpartition(") ")[2][0]
        for stat in Path(f"/proc/{process.pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}


class Instance:
    """An application with a number of workers. Call `stop()` or leave the `with` block.

    The default application is `data-service`; more variables go to its environment. Its operations
    have a port of their own, as in the stack, unless OPS_PORT is 0.
    """

    def __init__(
        self,
        workers: int,
        folder: Path,
        app: str = "apps.data_service:create_app()",
        server: str = "gunicorn",
        **environment: str,
    ) -> None:
        self._more = {"OPS_PORT": str(free_port()), "APP": app, **environment}
        self.server = server
        self.port = free_port(int(self._more["OPS_PORT"]))
        self.url = f"http://127.0.0.1:{self.port}"
        self.operations = f"http://127.0.0.1:{int(self._more['OPS_PORT']) or self.port}"
        self.log = folder / "stdout.jsonl"
        # No shell: the process that we signal is the arbiter.
        with self.log.open("wb") as stdout:
            self.process = subprocess.Popen(
                [sys.executable, *SERVERS[server]],
                cwd=ROOT,
                env=self._environment(workers, folder),
                stdout=stdout,
                stderr=subprocess.STDOUT,
            )
        try:
            poll_until(lambda: len(self.workers()) == workers and self._ready(), "the start")
        except BaseException:
            self.stop()
            raise

    def _environment(self, workers: int, folder: Path) -> dict[str, str]:
        names = ("PATH", "HOME", "PYTHONPATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return kept | {
            "SERVICE": "data-service",
            "PORT": str(self.port),
            "WORKERS": str(workers),
            "TMPDIR": str(folder),
            "FAULTS_ENABLED": "1",
            "FAULTS_TOKEN": TOKEN,
            **self._more,
        }

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill its remaining processes at once, stopped workers included."""
        for worker in self.workers() if self.process.poll() is None else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self.process.kill()
        self.process.wait(TIMEOUT_S)

    def workers(self) -> list[psutil.Process]:
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.operations}/readyz", timeout=5).ok
        except requests.ConnectionError:
            return False

    @contextlib.contextmanager
    def only(self, worker: psutil.Process) -> Iterator[None]:
        """Stop the other workers during the block, so that only this worker responds."""
        others = [other for other in self.workers() if other.pid != worker.pid]
        for other in others:
            other.send_signal(signal.SIGSTOP)
        try:
            poll_until(lambda: all(map(is_stopped, others)), "the other workers to stop")
            yield
        finally:
            for other in others:
                other.send_signal(signal.SIGCONT)

    def post(self, body: object = ({"a": 1},)) -> requests.Response:
        """Send a request over a new connection."""
        return requests.post(f"{self.url}/process", json=body, timeout=TIMEOUT_S)

    def fault(self, kind: str, **parameters: float) -> None:
        self._faults("PUT", kind, parameters)

    def end_fault(self, kind: str) -> None:
        self._faults("DELETE", kind, None)

    def _faults(self, method: str, kind: str, body: object) -> None:
        requests.request(
            method,
            f"{self.operations}/faults/{kind}",
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=TIMEOUT_S,
        ).raise_for_status()

    def samples(self) -> dict[str, float]:
        """Return the sum of every sample name, over its labels."""
        text = requests.get(f"{self.operations}/metrics", timeout=TIMEOUT_S).text
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums

    def lines(self, logger: str) -> list[dict[str, Any]]:
        """Return the lines that a logger and those below it wrote; every line must be JSON."""
        # What follows the last line break is a line that is being written.
        read = [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]
        return [line for line in read if f"{line['logger']}.".startswith(f"{logger}.")]
