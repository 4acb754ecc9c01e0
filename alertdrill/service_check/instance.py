"""An instance of a service outside of any stack: its process, its answers and its lines."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from ..errors import AlertdrillError
from ..runtimes.base import last_error
from ..runtimes.native.plan import Process
from ..runtimes.native.service_command import environment

# A service starts in two seconds, and a large application on a busy machine in half a minute.
START_TIMEOUT_S = 60.0
REQUEST_TIMEOUT_S = 15.0
# The time for counters and lines to follow a response.
SETTLE_TIMEOUT_S = 5.0
POLL_INTERVAL_S = 0.05
REQUESTS = "flask_http_request_duration_seconds_count"
# A sample of the text format, and a label of it.
SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

# (method, status) of requests.
Counts = Counter[tuple[str, str]]


class InstanceError(AlertdrillError):
    """The instance does not start; the message has its last line."""


class CheckedInstance:
    """A running instance with a number of worker processes, whose output goes to `log`."""

    def __init__(self, process: Process, workers: int, log: Path, host: str | None) -> None:
        self.workers, self._log, self._host = workers, log, host
        self._ports = [free_port(), free_port()]
        self._process = process
        self._session = requests.Session()

    @contextmanager
    def running(self) -> Iterator[CheckedInstance]:
        """Start it and wait until it is ready; end it in any case. Raises `InstanceError`."""
        port, ops = self._ports
        own = {
            **environment(self._process),
            "INSTANCE": f"{self._process.service}-1",
            **{"PORT": str(port), "OPS_PORT": str(ops), "HOST": "127.0.0.1"},
            "WORKERS": str(self.workers),
        }
        with self._log.open("wb") as stdout:
            self._running = subprocess.Popen(  # noqa: S603 - as the stack starts it
                self._process.command,
                cwd=self._process.directory,
                env=own,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us alone: we end it.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
            yield self
        finally:
            self._session.close()
            self.kill()
            self._running.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        answer = "it does not listen"
        while time.monotonic() < deadline:
            if (code := self._running.poll()) is not None:
                answer = f"it ended with exit code {code}"
                break
            with suppress(requests.RequestException):
                response = self.operation("/readyz")
                if response.ok:
                    return
                answer = f"/readyz answered {response.status_code}: {response.text.strip()[:300]}"
            time.sleep(POLL_INTERVAL_S)
        line = last_error(self.output())
        last = f" Its last line: {line}" if line else ""
        raise InstanceError(f"The instance is not ready: {answer}.{last}")

    def request(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Send a request to the application on a kept connection."""
        return self._session.request(
            method,
            f"http://127.0.0.1:{self._ports[0]}{path}",
            headers=self._headers(headers),
            timeout=REQUEST_TIMEOUT_S,
            allow_redirects=False,
        )

    def request_once(self, path: str) -> requests.Response:
        """Send a request to the application on a connection of its own."""
        return requests.get(
            f"http://127.0.0.1:{self._ports[0]}{path}",
            headers=self._headers({}),
            timeout=REQUEST_TIMEOUT_S,
            allow_redirects=False,
        )

    def operation(self, path: str) -> requests.Response:
        """Request an operation, such as `/readyz`."""
        return requests.get(f"http://127.0.0.1:{self._ports[1]}{path}", timeout=REQUEST_TIMEOUT_S)

    def _headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return {**({"Host": self._host} if self._host else {}), **headers}

    def series(self) -> int:
        """Return how many series `/metrics` has."""
        return sum(1 for _ in self._samples())

    def counts(self) -> Counts:
        """Return the requests that the metrics have counted."""
        counts: Counts = Counter()
        for name, labels, value in self._samples():
            if name == REQUESTS:
                counts[labels["method"], labels["status"]] += int(float(value))
        return counts

    def _samples(self) -> Iterator[tuple[str, Mapping[str, str], str]]:
        for line in self.operation("/metrics").text.splitlines():
            if match := SAMPLE.match(line):
                yield match[1], dict(LABEL.findall(match[2] or "")), match[3]

    def output(self) -> list[str]:
        """Return the lines of its output, without the last one if that is incomplete."""
        return self._log.read_text("utf-8", "replace").split("\n")[:-1]

    def lines(self) -> list[dict[str, Any]]:
        """Return its JSON lines."""
        return [line for text in self.output() if (line := parse_line(text)) is not None]

    def memory(self) -> int:
        """Return the resident memory of all its processes in bytes."""
        arbiter = psutil.Process(self._running.pid)
        return sum(item.memory_info().rss for item in (arbiter, *arbiter.children(recursive=True)))

    def request_stop(self) -> None:
        """Send SIGTERM, as every runtime does."""
        self._running.terminate()

    def kill(self) -> None:
        """Kill all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._running.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int | None:
        """Return its exit code; None if it still runs after `timeout` seconds."""
        with suppress(subprocess.TimeoutExpired):
            return self._running.wait(timeout)
        return None


def parse_line(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a line; None for other text."""
    with suppress(ValueError):
        parsed = json.loads(text)
        if isinstance(parsed, dict):
            return parsed
    return None


def settled(check: Callable[[], bool]) -> bool:
    """Return whether a check becomes true within SETTLE_TIMEOUT_S."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
