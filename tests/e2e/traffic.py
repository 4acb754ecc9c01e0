"""Clients that keep sending requests, and record when they sent each and how it ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from threading import Event, Thread
from types import TracebackType

import requests

from alertdrill.config import ROOT
from alertdrill.drills.faults import slow_clients as clients

# A light load for two cores. A request to an instance that hangs waits for 10 s at most, which is
# 250 requests at this interval.
INTERVAL_S = 0.04
MAX_CLIENTS = 256
# Longer than a test or a measurement.
MAX_SLOW_S = 600


@dataclass(frozen=True)
class Answer:
    """When a request began (monotonic seconds), and its status; 0 without a response."""

    began: float
    status: int


@contextmanager
def locust_clients(url: str, *options: str) -> Iterator[None]:
    """Run the normal clients of loadtests against a load balancer while the block lasts."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / "locustfile.py")),
        *("--headless", "--host", url, "--only-summary", *options),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=DEVNULL, stderr=DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


class Traffic:
    """Sends requests to /process through the load balancer at `url` while the block lasts.

    Each request has a client of its own, so that a slow one delays no other.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/process"
        self._ended = Event()
        self._answers: list[Answer] = []

    def __enter__(self) -> Traffic:
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send no more requests, and wait for the last responses."""
        self._ended.set()
        self._thread.join()

    def since(self, moment: float) -> Sequence[Answer]:
        """Return the results of the requests that were sent after a moment (monotonic seconds)."""
        return [answer for answer in list(self._answers) if answer.began > moment]

    def _run(self) -> None:
        with ThreadPoolExecutor(MAX_CLIENTS) as clients:
            while not self._ended.wait(INTERVAL_S):
                clients.submit(self._send)

    def _send(self) -> None:
        began = time.monotonic()
        try:
            status = requests.post(self._url, json=[{"mass": 3750}], timeout=15).status_code
        except requests.RequestException:
            status = 0
        self._answers.append(Answer(began, status))


@contextmanager
def slow_clients(url: str, **counts: int) -> Iterator[None]:
    """Keep this number of each kind of slow client connected while the block lasts.

    They are those of the fault `slow_clients`; `url` has the path that they request. `sources` is
    the number of addresses that they come from.
    """
    words = [f"{kind}={count}" for kind, count in counts.items()]
    command = [sys.executable, "-m", clients.__name__, url, str(MAX_SLOW_S), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdout.readline()  # it is ready
    process.stdin.write("go\n")
    process.stdin.flush()
    try:
        yield
    finally:
        process.communicate()  # it exits when its input closes
