"""A soak of the servers: two instances of each, under a constant load, for minutes or hours.

`python -m tests.bench.soak --server granian --minutes 120` prints a table every minute. The first
instance runs to the end, so that its memory and its descriptors show what grows. The second is
restarted by SIGTERM every minute. The exit code is 1 if a request was lost, or if the client, the
metrics and the access lines do not agree on the number of requests at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import requests
import urllib3
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench.soak_app import LARGE, PARTS
from tests.unit.telemetry.instance import SERVERS, Instance

DEFAULT_SERVERS = ("gunicorn", "granian")
# Requests per second to each server: a tenth of what an instance can answer.
RATE = 200.0
# Of `make bench PART=soak`: each server is restarted nine times.
BENCH_MINUTES = 10.0
APP = "tests.bench.soak_app:create_app()"
# Requests that wait at the same time in the client: many more than the instances have threads.
CLIENT_THREADS = 64
# As the load balancer does: it checks every 0.5 s, and removes an instance after two failures.
CHECK_INTERVAL_S, FAILURES = 0.5, 2
RESTART_INTERVAL_S = 60.0
REQUEST_TIMEOUT_S = 10.0
# The drain and the graceful timeout together take up to 22 s.
STOP_TIMEOUT_S = 60.0
# The pieces of a slow client, and the pause after each: it takes 0.5 s in all.
PIECES, PIECE_PAUSE_S = 5, 0.1


class Backend:
    """An instance, as a load balancer and Prometheus see it."""

    def __init__(self, server: str, folder: Path) -> None:
        folder.mkdir()
        self.instance = Instance(1, folder, APP, server, SERVICE="soak", FAULTS_ENABLED="0")
        # It keeps its connections open, and does not repeat a request.
        self.pool = urllib3.HTTPConnectionPool(
            "127.0.0.1",
            self.instance.port,
            maxsize=CLIENT_THREADS,
            retries=False,
            timeout=REQUEST_TIMEOUT_S,
        )
        self.counted = 0  # by the metrics
        self.lines = 0
        self._offset = 0
        self._lock = threading.Lock()
        self._failures = 0
        self._ended = threading.Event()
        self._observer = threading.Thread(target=self._observe)
        self._observer.start()

    @property
    def is_ready(self) -> bool:
        """Return whether the load balancer sends requests."""
        return self._failures < FAILURES

    def _observe(self) -> None:
        """Check and scrape the instance until it has ended."""
        while not self._ended.wait(CHECK_INTERVAL_S):
            try:
                ready = requests.get(f"{self.instance.operations}/readyz", timeout=2).ok
                self.counted = int(self.instance.samples().get("flask_http_request_total", 0))
            except requests.RequestException:
                ready = False
            self._failures = 0 if ready else self._failures + 1

    def read_lines(self) -> int:
        """Return the number of access lines."""
        with self._lock, self.instance.log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self.lines += b'"logger":"access"' in line
        return self.lines

    def usage(self) -> tuple[int, int]:
        """Return the resident bytes and the open file descriptors of all processes."""
        parent = psutil.Process(self.instance.process.pid)
        processes = [parent, *parent.children()]
        return sum(p.memory_info().rss for p in processes), sum(p.num_fds() for p in processes)

    def stop(self) -> int:
        """Stop the instance as an operator does; return its exit code."""
        self.instance.process.terminate()
        try:
            return self.instance.process.wait(STOP_TIMEOUT_S)
        finally:
            self._ended.set()
            self._observer.join()
            self.instance.stop()
            self.pool.close()
            self.read_lines()


class Fleet:
    """Two instances of a server and the clients that use them."""

    def __init__(self, server: str, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.answered = 0
        self.failures: list[str] = []
        self._durations: list[float] = []
        self._ended = [0, 0]  # the requests of ended instances, by their metrics and their lines
        self.backends = [self._start(), self._start()]
        self._turn = itertools.count()

    def _start(self) -> Backend:
        return Backend(self.server, self._folder / f"{self.server}-{next(self._numbers)}")

    def ask(self, number: int, at: float) -> None:
        """Send request `number`, which was due at `at` in monotonic seconds."""
        name, send = KINDS[number % len(KINDS)]
        try:
            ready = [backend for backend in self.backends if backend.is_ready]
            send(ready[next(self._turn) % len(ready)].pool)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is lost
            with self._lock:
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
            return
        with self._lock:
            self.answered += 1
            if send is quick:
                self._durations.append(time.monotonic() - at)

    def restart(self) -> None:
        """Replace the second instance."""
        self._end(self.backends[1])
        self.backends[1] = self._start()

    def stop(self) -> None:
        """Stop both instances."""
        for backend in self.backends:
            self._end(backend)

    def _end(self, backend: Backend) -> None:
        code = backend.stop()
        with self._lock:
            self._ended[0] += backend.counted
            self._ended[1] += backend.lines
            backend.counted = backend.lines = 0
            if code != 0:
                self.failures.append(f"an instance ended with exit code {code}")

    def counts(self) -> tuple[int, int, int]:
        """Return the requests by the client, by the metrics and by the access lines."""
        for backend in self.backends:
            with contextlib.suppress(FileNotFoundError):
                backend.read_lines()
        counted = sum(backend.counted for backend in self.backends)
        lines = sum(backend.lines for backend in self.backends)
        return self.answered, self._ended[0] + counted, self._ended[1] + lines

    def percentiles(self) -> tuple[float, float]:
        """Return the median and the 99th percentile since the last call, in seconds."""
        with self._lock:
            durations, self._durations = sorted(self._durations), []
        if not durations:
            return 0.0, 0.0
        return durations[len(durations) // 2], durations[int(0.99 * (len(durations) - 1))]


Send = Callable[[urllib3.HTTPConnectionPool], None]


def quick(pool: urllib3.HTTPConnectionPool) -> None:
    """Get a small answer."""
    _expect(pool.request("GET", "/quick"), 200, b"quick")


def stream(pool: urllib3.HTTPConnectionPool) -> None:
    """Get an answer that comes in parts."""
    _expect(pool.request("GET", "/stream"), 200, b"part" * PARTS)


def slow_reader(pool: urllib3.HTTPConnectionPool) -> None:
    """Get a large answer in pieces."""
    response = pool.request("GET", "/large", preload_content=False)
    body = b""
    for _ in range(PIECES):
        time.sleep(PIECE_PAUSE_S)
        body += response.read(len(LARGE) // PIECES + 1)
    response.release_conn()
    if body != LARGE:
        raise ValueError(f"{len(body)} of {len(LARGE)} bytes came")


def slow_upload(pool: urllib3.HTTPConnectionPool) -> None:
    """Send a body in pieces."""

    def body() -> Iterator[bytes]:
        for _ in range(PIECES):
            time.sleep(PIECE_PAUSE_S)
            yield b"piece"

    _expect(pool.request("POST", "/upload", body=body()), 200, str(5 * PIECES).encode())


def error(pool: urllib3.HTTPConnectionPool) -> None:
    """Get the answer of a view that raises."""
    _expect(pool.request("GET", "/error"), 500)


def _expect(response: urllib3.BaseHTTPResponse, status: int, body: bytes | None = None) -> None:
    if response.status != status or (body is not None and response.data != body):
        raise ValueError(f"{response.status} {response.data[:80]!r} came")


# Of a hundred requests, in the order in which they are sent: they never hold more than half of the
# threads of one instance at the same time.
_OTHERS: dict[int, Send] = {
    10: stream,
    25: slow_reader,
    40: error,
    60: stream,
    75: slow_upload,
}
KINDS = [(kind.__name__, kind) for kind in (_OTHERS.get(number, quick) for number in range(100))]


def soak(servers: Sequence[str], minutes: float, rate: float) -> bool:
    """Run the soak; return whether every request was answered and counted once."""
    console = Console(width=120)  # wide enough for a row on one line
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleets = [Fleet(server, Path(folder)) for server in servers]
        for fleet in fleets:
            stack.callback(fleet.stop)
        started = time.monotonic()
        end = started + minutes * 60
        threads = [threading.Thread(target=_load, args=(fleet, end, rate)) for fleet in fleets]
        threads += [threading.Thread(target=_restart, args=(fleet, end)) for fleet in fleets]
        for thread in threads:
            thread.start()
        for minute in itertools.count(1):
            time.sleep(max(min(started + minute * 60, end) - time.monotonic(), 0))
            console.print(_table(fleets, time.monotonic() - started))
            if time.monotonic() >= end:
                break
        for thread in threads:
            thread.join()
        usage = [fleet.backends[0].usage() for fleet in fleets]
    console.print(_table(fleets, time.monotonic() - started, usage))
    for fleet in fleets:
        for failure, times in Counter(fleet.failures).most_common(10):
            console.print(f"{fleet.server}: {times} times {failure}")
    return all(not fleet.failures and len(set(fleet.counts())) == 1 for fleet in fleets)


def table() -> Text:
    """Run a short soak of both servers; raise `SystemExit` if a request was lost."""
    if not soak(DEFAULT_SERVERS, BENCH_MINUTES, RATE):
        raise SystemExit(1)
    return Text("Every request was answered and counted once.")


def _load(fleet: Fleet, end: float, rate: float) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENT_THREADS) as clients:
        for number in itertools.count():
            at = started + number / rate
            if at >= end:
                break
            time.sleep(max(at - time.monotonic(), 0))
            clients.submit(fleet.ask, number, at)


def _restart(fleet: Fleet, end: float) -> None:
    """Restart an instance every minute, but not so late that it would end after the load."""
    while time.monotonic() + RESTART_INTERVAL_S / 2 < end:
        begun = time.monotonic()
        fleet.restart()
        time.sleep(max(min(begun + RESTART_INTERVAL_S, end) - time.monotonic(), 0))


def _table(
    fleets: Sequence[Fleet], seconds: float, usage: Sequence[tuple[int, int]] | None = None
) -> Table:
    table = Table(
        f"After {seconds / 60:.1f} min",
        *("Memory", "Files", "p50", "p99", "Lost", "By client", "By metrics", "By lines"),
        box=None,
        pad_edge=False,
    )
    for fleet, (memory, files) in zip(
        fleets, usage or [fleet.backends[0].usage() for fleet in fleets], strict=True
    ):
        median, high = fleet.percentiles()
        table.add_row(
            fleet.server,
            f"{memory / 2**20:.0f} MiB",
            str(files),
            f"{median * 1000:.1f} ms",
            f"{high * 1000:.1f} ms",
            str(len(fleet.failures)),
            *map(str, fleet.counts()),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the soak of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.soak",
        description="Load two instances of each server for minutes or hours; restart one of them"
        " every minute. Exit with 1 if a request was lost or not counted once.",
    )
    default = " and ".join(DEFAULT_SERVERS)
    parser.add_argument("--server", action="append", choices=SERVERS, help=f"default: {default}")
    parser.add_argument("--minutes", type=float, default=BENCH_MINUTES, help="default: 10")
    parser.add_argument("--rate", type=float, default=RATE, help="requests/s, default: 200")
    options = parser.parse_args(arguments)
    sys.exit(not soak(options.server or DEFAULT_SERVERS, options.minutes, options.rate))


if __name__ == "__main__":
    main()
