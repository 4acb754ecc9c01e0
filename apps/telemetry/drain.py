"""Leave without losing a request: not ready first, then wait, then finish what is in flight."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from . import shared

logger = logging.getLogger(__name__)

# Places in the shared numbers: is the instance draining, when it was scraped last (monotonic
# seconds, which all processes of a machine share), then the requests in flight of each worker.
DRAINING, SCRAPED, FIRST_WORKER = 0, 1, 2
# The load balancer asks `/readyz` every 0.5 s and believes the second failure.
NOTICED = 1.5
# How often the arbiter looks whether it may stop.
STEP = 0.1


class DrainState:
    """What has to be known to stop an instance at the right moment.

    `worker` is a number that no other live worker of the instance has.
    """

    def __init__(
        self,
        numbers: memoryview[float] = shared.DRAIN,
        worker: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._numbers = numbers
        self._place = FIRST_WORKER + worker % (len(numbers) - FIRST_WORKER)
        self._lock = threading.Lock()
        self._clock = clock
        numbers[self._place] = 0

    @property
    def draining(self) -> bool:
        """Tell whether the instance is on its way out."""
        return bool(self._numbers[DRAINING])

    def begin(self) -> None:
        """Make `/readyz` fail from now on."""
        self._numbers[DRAINING] = 1

    def change_in_flight(self, by: int) -> None:
        """Count a request that enters (1) or leaves (-1) this worker."""
        with self._lock:
            self._numbers[self._place] += by

    def scraped(self) -> None:
        """Remember that the metrics were read just now."""
        self._numbers[SCRAPED] = self._clock()

    def in_flight(self) -> int:
        """Return the requests in flight in all workers."""
        return int(sum(self._numbers[FIRST_WORKER:]))

    def last_scrape(self) -> float:
        """Return when the metrics were read last, in monotonic seconds; 0 where never."""
        return self._numbers[SCRAPED]


def wait(
    state: DrainState,
    at_most: float,
    hurried: Callable[[float], bool],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when the instance may stop, after `at_most` seconds in any case.

    `hurried` takes so many seconds and tells whether somebody has lost patience meanwhile.

    It may when the load balancer has had time to notice, nothing is in flight, and the metrics
    were read once more after that, so that no request is missing from them. An instance that
    nobody scrapes takes `at_most` seconds.
    """
    begun = clock()
    quiet_since = None
    while clock() - begun < at_most:
        noticed = clock() - begun >= NOTICED
        if not noticed or state.in_flight():
            quiet_since = None
        elif quiet_since is None:
            quiet_since = clock()
        if quiet_since is not None and state.last_scrape() > quiet_since:
            return
        if hurried(STEP):
            return


def install(arbiter: Any, at_most: float) -> None:
    """Make gunicorn's arbiter drain on SIGTERM, for `at_most` seconds, before it stops.

    Its own order closes the listening socket at once, while the load balancer still sends
    requests. Here `/readyz` fails first, and the socket stays open until `wait` returns; what is
    still in flight then has gunicorn's graceful timeout to finish. SIGINT
    or SIGQUIT end the wait.
    """
    stop = arbiter.handle_term

    def hurried(seconds: float) -> bool:
        with contextlib.suppress(queue.Empty):
            return arbiter.SIG_QUEUE.get(timeout=seconds) in (signal.SIGINT, signal.SIGQUIT)
        return False

    state = DrainState()

    def handle_term() -> None:
        logger.info("Draining for at most %s s", at_most)
        state.begin()
        wait(state, at_most, hurried)
        stop()

    arbiter.handle_term = handle_term
