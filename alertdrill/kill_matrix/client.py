"""The client that sends requests steadily while components fail."""

from __future__ import annotations

from ..audit.client import Client, Route

# The load balancer waits 10 s for a response.
TIMEOUT_S = 10.0
# A run has no planned number of requests; this takes days.
MAX_REQUESTS = 10_000_000


class SteadyClient(Client):
    """Sends `rate` requests per second until `stop`, also while none of them is answered."""

    def __init__(self, url: str, route: Route, rate: float) -> None:
        super().__init__(url, route, MAX_REQUESTS, rate, lambda _: None)
        self._timeout = TIMEOUT_S
        # As many as are in flight if every request takes until its timeout.
        self._threads = self._new_threads(max(1, round(rate * TIMEOUT_S)))

    def count_lost(self, first: int, last: int) -> int:
        """Return how many of the requests from number `first` up to `last` have failed."""
        return sum(first <= _number(failure.id) < last for failure in self.failures)

    def ended(self, count: int) -> bool:
        """Return whether each of the first `count` requests has a response or has failed."""
        answered = sum(_number(id_) < count for id_ in list(self.answered))
        return answered + self.count_lost(0, count) == count


def _number(id_: str) -> int:
    return int(id_.rpartition("-")[2])
