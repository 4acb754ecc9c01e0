"""The client: sends a route's request with unique ids at a rate, and records every response."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from ..clients.http import new_session
from ..config.service import Service
from ..errors import AlertdrillError
from ..runtimes.config_files import FRONTENDS

# One for each request in flight; an instance handles as many at a time.
CONNECTIONS = 8
# Longer than the load balancer's own limits: 5 s for a free instance, 10 s for its response.
TIMEOUT_S = 20.0
# During a step its remaining requests are spread over this many seconds. Most steps end earlier;
# a longer one still has traffic for three times as long.
SPREAD_S = 10.0
# A delay up to this is caught up. After a longer one the schedule restarts, to avoid a burst.
MAX_LAG_S = 1.0


class AuditError(AlertdrillError):
    """The audit could not complete; this says nothing about the counts."""


@dataclass(frozen=True)
class Route:
    """The request that the audit sends, and the services that it passes through, in order.

    The load balancer passes it to the first service at its public frontend, and to the second at
    its internal frontend. Each of these is a hop with an access line.
    """

    path: str
    body: Any
    services: tuple[str, ...]

    @cached_property
    def frontends(self) -> Mapping[str, str]:
        """Return the load balancer's hops, by frontend."""
        names = FRONTENDS[: len(self.services)]
        return {frontend: f"lb, {frontend} frontend" for frontend in names}

    @property
    def hops(self) -> tuple[str, ...]:
        """Return the names of all hops."""
        return (*self.frontends.values(), *self.services)


def audit_route(services: Iterable[Service]) -> Route:
    """Return the route that `apps/services.yml` declares; raise `AuditError` without one."""
    for service in services:
        if service.audit and len(service.calls) < len(FRONTENDS):
            names = (service.name, *service.calls)
            return Route(service.audit.path, service.audit.body, names)
    raise AuditError(
        "no service of apps/services.yml has `audit`, the request to send, and calls one other"
        " service at most: docs/how-to/add-a-service.md explains these keys."
    )


@dataclass(frozen=True, order=True)
class Failure:
    """A request without a 200 response; `error` is the status, or why there is none."""

    id: str
    error: str


class Client:
    """Sends `total` requests to the load balancer at `url`, over several connections.

    Their ids begin with `prefix`. The rate is per second, and lower while a step takes longer than
    planned. `on_failure` is called with each failure.
    """

    def __init__(
        self, url: str, route: Route, total: int, rate: float, on_failure: Callable[[Failure], None]
    ) -> None:
        self.prefix = f"audit-{secrets.token_hex(4)}"
        self.total = total
        # The number of requests so far, and the ids of those answered with 200.
        self.sent = 0
        self.answered: list[str] = []
        self._failures: list[Failure] = []
        self._url = f"{url.rstrip('/')}{route.path}"
        self._body = route.body
        self._rate = rate
        self._on_failure = on_failure
        # The end of the current step, as a number of requests.
        self._until: int | None = None
        self._stopped = False
        self._changed = threading.Condition()
        self._timeout = TIMEOUT_S
        self._threads = self._new_threads(CONNECTIONS)

    def start(self) -> None:
        """Start sending."""
        self._last = time.monotonic()
        for thread in self._threads:
            thread.start()

    def wait_until_sent(self, count: int) -> None:
        """Wait until `count` requests are sent; raise `AuditError` if the client stops before."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self.sent >= count)
        if self.sent < count:
            sent = f"{self.sent} of {self.total} requests"
            raise AuditError(f"the client stopped after {sent}: see the error above")

    @contextmanager
    def slow_down(self, until: int) -> Iterator[None]:
        """Slow down, so that the requests up to number `until` last as long as the block."""
        self._until = until
        try:
            yield
        finally:
            with self._changed:
                self._until = None
                self._changed.notify_all()

    def stop(self) -> None:
        """Send no more requests."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until every request has a response or has failed."""
        for thread in self._threads:
            thread.join()

    @property
    def ids(self) -> Sequence[str]:
        """Return the ids of all requests so far, in order."""
        return [f"{self.prefix}-{number:06}" for number in range(self.sent)]

    @property
    def failures(self) -> Sequence[Failure]:
        """Return the requests that failed, by id."""
        return sorted(self._failures)

    def _new_threads(self, connections: int) -> Sequence[threading.Thread]:
        # Daemon threads, so that Ctrl-C ends the program at once.
        return [threading.Thread(target=self._send_all, daemon=True) for _ in range(connections)]

    def _send_all(self) -> None:
        try:
            with new_session() as session:
                while (number := self._next_number()) is not None:
                    self._send(session, f"{self.prefix}-{number:06}")
        finally:
            self.stop()  # also after an unexpected error

    def _next_number(self) -> int | None:
        """Wait and return the next request's number; None after the last or after `stop`."""
        with self._changed:
            while not self._stopped and self.sent < self.total:
                rate = self._rate
                if self._until is not None:
                    rate = min(rate, (self._until - self.sent) / SPREAD_S)
                due = self._last + (1 / rate if rate > 0 else math.inf)
                lag = time.monotonic() - due
                if lag >= 0:
                    self._last = due if lag < MAX_LAG_S else due + lag
                    self.sent += 1
                    self._changed.notify_all()
                    return self.sent - 1
                self._changed.wait(min(-lag, MAX_LAG_S))
        return None

    def _send(self, session: requests.Session, id_: str) -> None:
        try:
            response = session.post(
                self._url, json=self._body, headers={"X-Request-ID": id_}, timeout=self._timeout
            )
        except requests.RequestException as error:
            failure = Failure(id_, f"no answer ({type(error).__name__})")
        else:
            if response.status_code == requests.codes.ok:
                self.answered.append(id_)
                return
            failure = Failure(id_, str(response.status_code))
            with suppress(ValueError, KeyError, TypeError):  # not a problem document
                failure = Failure(id_, f"{response.status_code} {response.json()['detail']}")
        self._failures.append(failure)
        self._on_failure(failure)
