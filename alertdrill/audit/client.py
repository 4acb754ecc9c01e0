"""The client: sends requests with unique ids and records every response."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import requests

from ..clients.http import new_session
from .lines import Route
from .schedule import RequestScheduler

# One for each request in flight; an instance handles as many at a time.
CONNECTIONS = 8
# Longer than the load balancer's own limits: 5 s for a free instance, 10 s for its response.
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Failure:
    """A request without a 200 response; `error` is the status, or why there is none."""

    id: str
    error: str


class Client:
    """Sends requests to the load balancer at `url`, over several connections.

    Their ids begin with `prefix`; `on_failure` is called with each failure.
    """

    def __init__(
        self,
        url: str,
        route: Route,
        prefix: str,
        scheduler: RequestScheduler,
        on_failure: Callable[[Failure], None],
    ) -> None:
        self._url = f"{url.rstrip('/')}{route.path}"
        self._body = route.body
        self._prefix = prefix
        self._scheduler = scheduler
        self._on_failure = on_failure
        self._failures: list[Failure] = []
        self._answered: list[str] = []
        # Daemon threads, so that Ctrl-C ends the program at once.
        self._threads = [
            threading.Thread(target=self._send_all, daemon=True) for _ in range(CONNECTIONS)
        ]

    def start(self) -> None:
        """Start sending."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait until every request has a response or has failed."""
        for thread in self._threads:
            thread.join()

    @property
    def sent(self) -> Sequence[str]:
        """Return the ids of all requests so far, in order."""
        return [f"{self._prefix}-{number:06}" for number in range(self._scheduler.sent)]

    @property
    def answered(self) -> int:
        """Return the number of requests answered with 200."""
        return len(self._answered)

    @property
    def failures(self) -> Sequence[Failure]:
        """Return the requests that failed, by id."""
        return sorted(self._failures, key=lambda failure: failure.id)

    def _send_all(self) -> None:
        try:
            with new_session() as session:
                while (number := self._scheduler.next_number()) is not None:
                    self._send(session, f"{self._prefix}-{number:06}")
        finally:
            self._scheduler.stop()  # also after an unexpected error

    def _send(self, session: requests.Session, id_: str) -> None:
        try:
            response = session.post(
                self._url, json=self._body, headers={"X-Request-ID": id_}, timeout=TIMEOUT_S
            )
        except requests.RequestException as error:
            self._fail(Failure(id_, f"no answer ({type(error).__name__})"))
            return
        if response.status_code == requests.codes.ok:
            self._answered.append(id_)
        else:
            self._fail(Failure(id_, _error_of(response)))

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._on_failure(failure)


def _error_of(response: requests.Response) -> str:
    """Return the status, with the reason that a problem document gives."""
    with suppress(ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.json()['detail']}"
    return str(response.status_code)
