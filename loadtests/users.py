"""The clients of a load: normal, heavy, slow, ones that send invalid or a profile's requests."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from itertools import count, cycle, islice
from time import monotonic
from typing import Any, NamedTuple

import gevent
from locust import FastHttpUser, task
from locust.env import Environment
from vega_datasets import data

# Twenty of 406 cars: numbers, words and missing values, in a body of 4 kB.
ROWS = json.loads(data.cars.raw())[:20]
# 2,000 hours of Seattle's temperature, in a body of 80 kB: `data-service` takes longest for many
# small values, over two thirds of the whole cost of such a request.
HOURS = [
    {"date": hour["date"], "temp": float(hour["temp"])}
    for hour in islice(csv.DictReader(data.seattle_temps.raw().decode().splitlines()), 2000)
]
# Seconds between two requests of a client, so that the number of clients is the request rate.
REQUEST_INTERVAL_S = 1.0
# Offsets of this fraction of the interval spread any number of clients evenly over it: multiples of
# the golden ratio never meet,
# https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
GOLDEN_RATIO = 0.6180339887
JSON = {"Content-Type": "application/json"}
# Encoded once: to encode them for each request would cost a client as much as it costs `web`.
BODY, LARGE_BODY = json.dumps(ROWS).encode(), json.dumps(HOURS).encode()
# A normal client requests the start page once in this number of requests: enough to see it.
START_PAGE_EVERY = 20
_numbers, _normal, _request_clients = count(), count(), count()


def normalize_host(environment: Environment, **_: object) -> None:
    """Remove the slash at the end of the host, since each path starts with one."""
    if environment.host:
        environment.host = environment.host.rstrip("/")


class Client(FastHttpUser):
    """Sends one request per second."""

    abstract = True
    # The load balancer answers within its own limits (5 s in its queue, 10 s for an instance);
    # a client that waits longer gets its response, which says more than a timeout.
    network_timeout = 16.0
    # A running load balancer accepts connections at once.
    connection_timeout = 2.0
    _due = 0.0

    def on_start(self) -> None:
        """Start at an offset in the interval, since Locust spawns many clients at once."""
        wait = next(_numbers) * GOLDEN_RATIO % 1 * REQUEST_INTERVAL_S
        self._due = monotonic() + wait
        gevent.sleep(wait)

    def wait_time(self) -> float:
        """Return the seconds to the next request; 0 if a response took longer than the interval.

        Locust's `constant_throughput` counts from the client's start instead, so clients that start
        together would send their requests together.
        """
        now = monotonic()
        self._due = max(self._due + REQUEST_INTERVAL_S, now)
        return self._due - now


class NormalClient(Client):
    """Posts twenty rows, and opens the start page once in twenty requests.

    The order is fixed, not random: a short load has both, and all runs are alike.
    """

    def on_start(self) -> None:
        """Start each client at another of the twenty requests."""
        super().on_start()
        self._count = int(next(_normal) * GOLDEN_RATIO % 1 * START_PAGE_EVERY)

    @task
    def send_next(self) -> None:
        """Post twenty rows, or open the start page."""
        is_page = self._count % START_PAGE_EVERY == 0
        self._count += 1
        self.open_page() if is_page else self.process()

    def process(self) -> None:
        """Post twenty rows."""
        self.client.post("/process", data=BODY, headers=JSON)

    def open_page(self) -> None:
        """Open the start page."""
        self.client.get("/")


class HeavyClient(Client):
    """Posts a hundred times as many rows."""

    @task
    def process_many(self) -> None:
        """Post 2,000 rows."""
        self.client.post("/process", data=LARGE_BODY, headers=JSON, name="/process (2,000 rows)")


class SlowClient(Client):
    """Requests a page that takes a while, and so occupies a worker thread."""

    @task
    def ask_supplier(self) -> None:
        """Request the page that waits for a slow dependency."""
        self.client.get("/supplier")


class BadRequest(NamedTuple):
    """An invalid request and its status; `arguments` are those of Locust's `request`."""

    status: int
    method: str
    path: str
    arguments: Mapping[str, Any] = {}


BAD_REQUESTS = (
    # Rows without the content type JSON; truncated JSON; JSON that is not a list of records.
    BadRequest(415, "POST", "/process", {"data": json.dumps(ROWS)}),
    BadRequest(400, "POST", "/process", {"data": json.dumps(ROWS)[:-20], "headers": JSON}),
    BadRequest(422, "POST", "/process", {"json": list(range(len(ROWS)))}),
    # A wrong method; an unknown path.
    BadRequest(405, "GET", "/process"),
    BadRequest(404, "GET", "/no-such-page"),
)


class ErrorClient(Client):
    """Sends invalid requests; any other status than the expected refusal is a failure."""

    def on_start(self) -> None:
        """Start with the first bad request."""
        super().on_start()
        self._bad_requests = cycle(BAD_REQUESTS)

    @task
    def send_invalid(self) -> None:
        """Send the next bad request."""
        bad_request = next(self._bad_requests)
        name = f"{bad_request.path} (refused with {bad_request.status})"
        with self.client.request(
            bad_request.method,
            bad_request.path,
            name=name,
            catch_response=True,
            **bad_request.arguments,
        ) as response:
            if response.status_code == bad_request.status:
                response.success()
            else:
                response.failure(f"status {response.status_code} instead of {bad_request.status}")


class RequestClient(Client):
    """Sends the requests of its profile in turn; a status below 400 is a success."""

    requests: Sequence[Mapping[str, Any]] = ()

    def on_start(self) -> None:
        """Start each client at the request after that of the client before it."""
        super().on_start()
        first = next(_request_clients) % len(self.requests)
        self._requests = cycle([*self.requests[first:], *self.requests[:first]])

    @task
    def send_next(self) -> None:
        """Send the next request."""
        request = next(self._requests)
        self.client.request(
            request.get("method", "GET"),
            request["path"],
            # Paths that differ only in their queries are one row of the statistics.
            name=request["path"].partition("?")[0],
            json=request.get("json"),
            headers=request.get("headers"),
            # To follow one would be a second request, which only the load balancer counts.
            allow_redirects=False,
        )


def set_requests(requests: Sequence[Mapping[str, Any]]) -> type[RequestClient]:
    """Set the requests of the clients that send a profile's; without any, no such client runs."""
    RequestClient.requests = requests
    RequestClient.weight = int(bool(requests))
    return RequestClient


def set_weights(mix: Sequence[int]) -> Sequence[type[Client]]:
    """Set the weights of normal, heavy, slow and invalid clients; return the classes."""
    kinds = (NormalClient, HeavyClient, SlowClient, ErrorClient)
    for kind, weight in zip(kinds, mix, strict=True):
        kind.weight = weight
    return kinds
