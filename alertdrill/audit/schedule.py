"""Schedule the requests, and the restarts and scale changes during them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..config.services import MAX_REPLICAS

# The services that store the lines: Loki or its fake.
STORE_SERVICES = ("loki", "fake-loki")
# A round of steps takes 90 s on two cores.
ROUND_S = 90.0
# During a step its remaining requests are spread over this many seconds. Most steps end earlier;
# a longer one still has traffic for three times as long.
SPREAD_S = 10.0
# A delay up to this is caught up. After a longer one the schedule restarts, to avoid a burst.
MAX_LAG_S = 1.0


def request_interval(rate: float, left: int | None) -> float:
    """Return the seconds between two requests; `left` is the step's remaining requests."""
    if left is None:
        return 1 / rate
    return 1 / min(rate, left / SPREAD_S) if left > 0 else float("inf")


class RequestScheduler:
    """Returns the numbers from 0 to `total`, each when it is due. Thread-safe.

    The rate is steady, and lower while a step takes longer than planned.
    """

    def __init__(self, total: int, rate: float) -> None:
        self.total = total
        self.rate = rate
        self._sent = 0
        self._last = time.monotonic()
        self._until: int | None = None
        self._stopped = False
        self._changed = threading.Condition()

    @property
    def sent(self) -> int:
        """Return the count of numbers returned so far."""
        return self._sent

    def next_number(self) -> int | None:
        """Wait and return the next number; None after the last or after `stop`."""
        with self._changed:
            while not self._stopped and self._sent < self.total:
                wait = self._due() - time.monotonic()
                if wait <= 0:
                    return self._next()
                self._changed.wait(min(wait, MAX_LAG_S))
        return None

    def _due(self) -> float:
        left = None if self._until is None else self._until - self._sent
        return self._last + request_interval(self.rate, left)

    def _next(self) -> int:
        now, due = time.monotonic(), self._due()
        self._last = due if now - due < MAX_LAG_S else now
        self._sent += 1
        self._changed.notify_all()
        return self._sent - 1

    def wait_until_sent(self, count: int) -> None:
        """Wait until `count` numbers were returned, or `stop` was called."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._sent >= count)

    @contextmanager
    def slow_down(self, until: int) -> Iterator[None]:
        """Slow down, so that the numbers up to `until` last as long as the block."""
        self._set(until)
        try:
            yield
        finally:
            self._set(None)

    def stop(self) -> None:
        """Return no more numbers."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _set(self, until: int | None) -> None:
        with self._changed:
            self._until = until
            self._changed.notify_all()


@dataclass(frozen=True)
class Step:
    """One change: a restart, or with `count` a new scale."""

    target: str
    count: int | None = None

    def __str__(self) -> str:
        """Return the step as text."""
        return (
            f"restart {self.target}" if self.count is None else f"scale {self.target}={self.count}"
        )


def rounds_that_fit(requests: int, rate: float) -> int:
    """Return how many rounds fit into a run; at least one, since requests slow down for it."""
    return max(1, int(requests / rate / ROUND_S))


def plan_steps(scales: Mapping[str, int], parts: Collection[str], count: int) -> Sequence[Step]:
    """Return `count` rounds of steps that must lose no request and restore the scale.

    `scales` is the number of replicas of each service; `parts` are the services that run.
    """
    restarts = [part for part in (*scales, "collector", *STORE_SERVICES) if part in parts]
    changed = {
        service: scale + 1 if scale < MAX_REPLICAS else scale - 1
        for service, scale in scales.items()
    }
    # Restarts come first, while each service has the fewest instances.
    steps = [
        *map(Step, restarts),
        *(Step(service, scale) for service, scale in changed.items()),
        *(Step(service, scale) for service, scale in scales.items()),
    ]
    return steps * count


def step_positions(requests: int, count: int) -> Sequence[int]:
    """Return the request numbers at which the `count` steps begin, and at which the last ends."""
    return [requests * place // (count + 1) for place in range(1, count + 2)]
