"""Who makes the load: normal clients of the services, through the load balancer."""

from __future__ import annotations

import json
from itertools import count
from time import monotonic

import gevent
from locust import FastHttpUser, task
from locust.env import Environment
from vega_datasets import data

# The first twenty of 406 cars: numbers, words and missing values, in a body of about 4 kB.
ROWS = json.loads(data.cars.raw())[:20]
# Seconds from one request of a client to its next, so that the number of clients is the load.
PACE = 1.0
# Steps of this share of the pace spread any number of clients evenly over it: the golden ratio's
# steps never meet, https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
STEP = 0.6180339887
_numbers = count()


def take_host(environment: Environment, **_: object) -> None:
    """Take a host as browsers show it, with a slash at its end; each path begins with one."""
    if environment.host:
        environment.host = environment.host.rstrip("/")


class NormalClient(FastHttpUser):
    """Asks once a second: it has rows processed, and now and then opens the start page."""

    # The load balancer answers within its own limits (5 s in its queue, 10 s for an instance);
    # a client that waits longer always gets that answer, which says more than its own timeout.
    network_timeout = 16.0
    # The load balancer is there at once, or not at all.
    connection_timeout = 2.0
    _due = 0.0

    def on_start(self) -> None:
        """Begin a part of the pace later than the others, for Locust starts many at once."""
        wait = next(_numbers) * STEP % 1 * PACE
        self._due = monotonic() + wait
        gevent.sleep(wait)

    def wait_time(self) -> float:
        """Return the seconds to the next request: at once where an answer took over the pace.

        Locust's `constant_throughput` does the same, but counts from the client's making and so
        has all that were made together ask together.
        """
        now = monotonic()
        self._due = max(self._due + PACE, now)
        return self._due - now

    @task(19)
    def process(self) -> None:
        """Have twenty rows processed."""
        self.client.post("/process", json=ROWS)

    @task(1)
    def home(self) -> None:
        """Open the start page, once in twenty requests: enough to see it beside the rest."""
        self.client.get("/")
