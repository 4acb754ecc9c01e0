"""What a healthy client notices of 500 slow clients of each kind, and what the load balancer holds.

The target is no error, and a p95 below twice its quiet value. In a container the load balancer has
80 MiB.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import requests
from rich.table import Table

from alertdrill.config.settings import current
from alertdrill.drills.context import DrillProgress
from alertdrill.drills.faults.slow_clients import CLIENTS
from alertdrill.drills.session import Options, provision
from alertdrill.runtimes.select import select_fault_target
from tests.e2e.traffic import slow_clients

SLOW_CLIENTS = 500
# Of the healthy client, for 30 s: 600 requests, of which 30 are slower than the 95th percentile.
RATE, SECONDS = 20.0, 30.0
# Until every slow client is connected, and the first ones have reached the limits of their time.
SETTLE_S = 12.0
# More than are ever in flight, unless the service hangs.
THREADS = 64
TIMEOUT_S = 15.0
BODY = [{"mass": 3750, "bill": 39.1}, {"mass": 3800, "bill": 39.5}]


@dataclass(frozen=True)
class Measurement:
    """The sorted seconds of the requests that were answered with 200; the others are errors."""

    durations: list[float]
    errors: int

    def percentile(self, ratio: float) -> float:
        """Return the duration within which this ratio of the requests was answered."""
        return self.durations[int(ratio * (len(self.durations) - 1))]


def table() -> Table:
    """Measure on an ephemeral stack without time compression, and without healing."""
    with tempfile.TemporaryDirectory() as home:
        settings = replace(current(), home=Path(home), runtime="native")
        options, progress = Options(1.0, healing="off"), DrillProgress(lambda _: None)
        with provision(settings, options, progress, select_fault_target) as context:
            url = f"{context.runtime.addresses()['Services'].rstrip('/')}/process"
            pids = [item.pid for item in context.runtime.status() if item.name == "lb-1"]
            rows = list(_rows(url, psutil.Process(pids[0])))
    title = f"A client with {RATE:.0f} requests/s beside {SLOW_CLIENTS} slow ones"
    columns = ("Slow clients", "p50", "To quiet", "p95", "To quiet", "Errors", "Load balancer")
    output = Table(*columns, title=title, box=None)
    output.title_justify = "left"
    for row in rows:
        output.add_row(*row)
    return output


def _rows(url: str, lb: psutil.Process) -> Iterator[tuple[str, ...]]:
    """Measure each kind after a quiet time of its own, to which it is compared."""
    _measure(url)  # the first requests pay for connections and caches
    for kind in CLIENTS:
        quiet = _measure(url)
        yield (*_row("none", quiet, quiet), _memory(lb))
        with slow_clients(url, **{kind: SLOW_CLIENTS}):
            time.sleep(SETTLE_S)
            yield (*_row(kind, _measure(url), quiet), _memory(lb))


def _row(name: str, measured: Measurement, quiet: Measurement) -> tuple[str, ...]:
    cells = [name]
    for ratio in (0.5, 0.95):
        seconds, before = measured.percentile(ratio), quiet.percentile(ratio)
        cells += [f"{seconds * 1000:.1f} ms", f"{seconds / before:.2f}"]
    return (*cells, str(measured.errors))


def _memory(process: psutil.Process) -> str:
    return f"{process.memory_info().rss / 2**20:.0f} MiB"


def _measure(url: str) -> Measurement:
    """Send requests at a constant rate, each on a connection of its own."""
    start, futures = time.monotonic(), []
    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(int(RATE * SECONDS)):
            time.sleep(max(0.0, start + number / RATE - time.monotonic()))
            futures.append(threads.submit(_send, url))
    durations = [future.result() for future in futures]
    answered = sorted(seconds for seconds in durations if seconds is not None)
    return Measurement(answered, len(durations) - len(answered))


def _send(url: str) -> float | None:
    """Return the seconds of a request, None if it failed."""
    start = time.monotonic()
    try:
        status = requests.post(url, json=BODY, timeout=TIMEOUT_S).status_code
    except requests.RequestException:
        return None
    return time.monotonic() - start if status == requests.codes.ok else None
