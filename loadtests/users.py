"""The clients of a load: normal, heavy, slow, and ones that send invalid requests."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, cycle, islice
from time import monotonic
from typing import Any, NamedTuple

import gevent
from locust import FastHttpUser, task
from locust.env import Environment
from vega_datasets import data

# Twenty of 406 cars: numbers, words and missing values, in a body of 4 kB.
ROWS = json.loads(data.cars.raw())[:20]
# 2,000 hours of Seattle's temperature, in a body of 80 kB: many small values are what takes
# `data-service` longest, over two thirds of what such a request costs in all.
HOURS = [
    {"date": hour["date"], "temp": float(hour["temp"])}
    for hour in islice(csv.DictReader(data.seattle_temps.raw().decode().splitlines()), 2000)
]
# Seconds from one request of a client to its next, so that the number of clients is the load.
PACE = 1.0
# Steps of this share of the pace spread any number of clients evenly over it: the golden ratio's
# steps never meet, https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
STEP = 0.6180339887
JSON = {"Content-Type": "application/json"}
# Asks whether it may send its rows before it does: what waits for a place is then still with it.
ASKING = {**JSON, "Expect": "100-continue"}
# Written once: a client that writes them for each request takes as long for it as `web`.
BODY, LARGE_BODY = json.dumps(ROWS).encode(), json.dumps(HOURS).encode()
# The twenty rows in five parts: 0.16 s for all of them, which is what a bad mobile connection of
# 200 kbit/s takes.
PARTS, PAUSE = 5, 0.04
# A normal client requests the start page once in this number of requests: enough to see it.
TURNS = 20
_numbers, _normal = count(), count()


def normalize_host(environment: Environment, **_: object) -> None:
    """Take a host as browsers show it, with a slash at its end; each path begins with one."""
    if environment.host:
        environment.host = environment.host.rstrip("/")


class Client(FastHttpUser):
    """Sends one request a second."""

    abstract = True
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


class NormalClient(Client):
    """Has rows processed, and once in twenty requests opens the start page.

    In turn, not by chance: a short load has both, and each run is like the last.
    """

    def on_start(self) -> None:
        """Begin somewhere among the twenty, each client elsewhere."""
        super().on_start()
        self._turn = int(next(_normal) * STEP % 1 * TURNS)

    @task
    def ask(self) -> None:
        """Have twenty rows processed, or see the page."""
        page = self._turn % TURNS == 0
        self._turn += 1
        self.open_page() if page else self.process()

    def process(self) -> None:
        """Have twenty rows processed."""
        self.client.post("/process", data=BODY, headers=JSON)

    def open_page(self) -> None:
        """Open the start page."""
        self.client.get("/")


class HeavyClient(Client):
    """Posts a hundred times as many rows."""

    @task
    def process_many(self) -> None:
        """Have 2,000 rows processed."""
        self.client.post("/process", data=LARGE_BODY, headers=JSON, name="/process (2,000 rows)")


class SlowBody:
    """A body that is sent in parts; iterable again for a retry."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the parts, and wait between them."""
        size = -(-len(BODY) // PARTS)
        yield BODY[:size]
        for begin in range(size, len(BODY), size):
            gevent.sleep(PAUSE)
            yield BODY[begin : begin + size]


class SlowClient(Client):
    """Sends twenty rows slowly, and so occupies a worker thread."""

    @task
    def process_slowly(self) -> None:
        """Have twenty rows processed that arrive little by little."""
        self.client.post("/process", data=SlowBody(), headers=ASKING, name="/process (slowly)")


class BadRequest(NamedTuple):
    """A request and the status of its refusal; `sends` is for Locust's `request`."""

    status: int
    method: str
    path: str
    sends: Mapping[str, Any] = {}


BAD_REQUESTS = (
    # Rows without a word that they are JSON; JSON that breaks off; JSON that is no list of records.
    BadRequest(415, "POST", "/process", {"data": json.dumps(ROWS)}),
    BadRequest(400, "POST", "/process", {"data": json.dumps(ROWS)[:-20], "headers": JSON}),
    BadRequest(422, "POST", "/process", {"json": list(range(len(ROWS)))}),
    # What can only be sent to; what is not there.
    BadRequest(405, "GET", "/process"),
    BadRequest(404, "GET", "/no-such-page"),
)


class ErrorClient(Client):
    """Makes one bad_request after the other, and must hear of each: other answers are failures."""

    def on_start(self) -> None:
        """Begin with the first."""
        super().on_start()
        self._mistakes = cycle(BAD_REQUESTS)

    @task
    def err(self) -> None:
        """Make the next bad_request."""
        bad_request = next(self._mistakes)
        name = f"{bad_request.path} (refused with {bad_request.status})"
        with self.client.request(
            bad_request.method,
            bad_request.path,
            name=name,
            catch_response=True,
            **bad_request.sends,
        ) as answer:
            if answer.status_code == bad_request.status:
                answer.success()
            else:
                answer.failure(f"was answered {answer.status_code}, not {bad_request.status}")


def set_weights(mix: Sequence[int]) -> Sequence[type[Client]]:
    """Return the kinds of client, normal, heavy, slow and invalid, weighted by the mix."""
    kinds = (NormalClient, HeavyClient, SlowClient, ErrorClient)
    for kind, weight in zip(kinds, mix, strict=True):
        kind.weight = weight
    return kinds
