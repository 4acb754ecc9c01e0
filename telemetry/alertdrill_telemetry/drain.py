"""Stop an instance without losing a request: become unready, wait, then stop.

The wait lasts until the load balancer has noticed and no request is in flight.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from . import shared_counters

logger = logging.getLogger(__name__)

# Indexes of the shared counters: whether the instance drains, the time of the last scrape
# (monotonic seconds, equal in all processes of a machine, and the same as `time.perf_counter`), and
# the threads of a worker, 0 if their number is unknown. Then come four blocks with a number for
# each worker: its requests in flight, those of them that stay open (SSE, WebSocket), the time of
# its last progress, and its process id.
DRAINING, SCRAPED, THREADS, FIRST_WORKER = 0, 1, 2, 3
# The load balancer checks `/readyz` every 0.5 s and removes a server after two failures.
LB_DETECTION_S = 1.5
# How long the scrape that ends the wait may take: it is counted from its beginning.
SCRAPE_S = 0.5
# How often the arbiter checks whether it may stop.
POLL_INTERVAL_S = 0.1


class DrainState:
    """The state that decides when an instance may stop, and whether its worker threads hang.

    `worker` is the process id of a worker. Without one, the state is that of all workers.
    """

    def __init__(
        self,
        counters: memoryview[float] = shared_counters.DRAIN,
        worker: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counters = counters
        self._workers = (len(counters) - FIRST_WORKER) // 4
        self._in_flight = FIRST_WORKER + (0 if worker is None else self._take_slot(worker))
        self._open = self._in_flight + self._workers
        self._progress = self._open + self._workers
        self._lock = threading.Lock()
        self._clock = clock

    def _take_slot(self, worker: int) -> int:
        """Return the index of a worker in each block: of its own, or of a free one."""
        owners = self._block(3)
        slots = [(worker + number) % self._workers for number in range(self._workers)]
        slot = next((slot for slot in slots if owners[slot] in (0, worker)), slots[0])
        owners[slot] = worker
        return slot

    def release(self, worker: int) -> None:
        """Forget a worker that has exited, and its requests in flight."""
        blocks = [self._block(number) for number in range(4)]
        for slot, owner in enumerate(blocks[3]):
            if owner == worker:
                for block in blocks:
                    block[slot] = 0

    @property
    def draining(self) -> bool:
        """Return whether the instance is draining."""
        return bool(self._counters[DRAINING])

    def start_draining(self) -> None:
        """Make `/readyz` fail from now on."""
        self._counters[DRAINING] = 1

    def change_in_flight(self, by: int, now: float) -> None:
        """Count a request that starts (1) or ends (-1) in this worker, at `time.perf_counter()`."""
        # First the time: else the last thread that gets busy looks as if it had been for long.
        counters = self._counters
        counters[self._progress] = now
        with self._lock:
            counters[self._in_flight] += by

    def change_open(self, by: int) -> None:
        """Count a request in flight that stays open (1), or its end (-1)."""
        with self._lock:
            self._counters[self._open] += by

    def record_progress(self, now: float) -> None:
        """Store the time, of `time.perf_counter()`, at which a response in flight sends data."""
        self._counters[self._progress] = now

    def record_scrape(self) -> None:
        """Store the current time as the time of the last scrape."""
        self._counters[SCRAPED] = self._clock()

    def in_flight(self) -> int:
        """Return the number of requests in flight in all workers."""
        return int(sum(self._block(0)))

    def _block(self, number: int) -> memoryview[float]:
        start = FIRST_WORKER + number * self._workers
        return self._counters[start : start + self._workers]

    @property
    def threads(self) -> int:
        """The threads of a worker; 0 if their number is unknown."""
        return int(self._counters[THREADS])

    @threads.setter
    def threads(self, threads: int) -> None:
        self._counters[THREADS] = threads

    def stalled_for(self) -> float:
        """Return for how many seconds a worker has had all threads busy and made no progress.

        Progress is a request that starts, ends or sends data. A WebSocket or an SSE stream holds
        a thread for as long as its client likes, so it does not count as busy. 0 if no worker is
        stalled, or if the number of threads is unknown.
        """
        threads = self.threads
        workers = zip(*(self._block(number) for number in range(3)), strict=True)
        stalled = [
            progress for in_flight, open_, progress in workers if 0 < threads <= in_flight - open_
        ]
        return self._clock() - min(stalled) if stalled else 0.0

    def last_scrape(self) -> float:
        """Return the time of the last scrape in monotonic seconds; 0 if there was none."""
        return self._counters[SCRAPED]


@cache
def of_worker(worker: int) -> DrainState:
    """Return the state of a worker, which all applications of its process share."""
    return DrainState(worker=worker)


def wait_until_drained(
    state: DrainState,
    timeout: float,
    interrupted: Callable[[float], bool],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Block until the instance may stop, or for `timeout` seconds.

    The instance may stop when the load balancer has had time to notice, no request is in flight,
    and one more scrape has read the metrics, so that no request is missing from them. An instance
    without scrapes takes the whole `timeout`.

    `interrupted` waits for a number of seconds and returns whether a signal ends the wait.
    """
    started = clock()
    idle_since = None
    while clock() - started < timeout:
        detected = clock() - started >= LB_DETECTION_S
        if not detected or state.in_flight():
            idle_since = None
        elif idle_since is None:
            idle_since = clock()
        if idle_since is not None and state.last_scrape() > idle_since:
            interrupted(SCRAPE_S)
            return
        if interrupted(POLL_INTERVAL_S):
            return


def drain(signals: queue.SimpleQueue[int], timeout: float) -> None:
    """Make `/readyz` fail, and block until the instance may stop, or for `timeout` seconds.

    SIGINT and SIGQUIT, which the server puts into `signals`, end the wait.
    """

    def interrupted(seconds: float) -> bool:
        with contextlib.suppress(queue.Empty):
            return signals.get(timeout=seconds) in (signal.SIGINT, signal.SIGQUIT)
        return False

    state = DrainState()
    logger.info("Draining for at most %s s", timeout)
    state.start_draining()
    wait_until_drained(state, timeout, interrupted)


def install(arbiter: Any, timeout: float) -> None:
    """Make gunicorn's arbiter drain on SIGTERM, for up to `timeout` seconds, before it stops.

    By default gunicorn closes the listening socket at once, while the load balancer still sends
    requests. Here `/readyz` fails first, and the socket stays open until the instance is drained.
    Requests that are then in flight have gunicorn's graceful timeout to finish.
    """
    stop = arbiter.handle_term

    def handle_term() -> None:
        drain(arbiter.SIG_QUEUE, timeout)
        stop()

    arbiter.handle_term = handle_term
