"""Clients that go on asking, however the answers are, and remember when they asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType

import requests

# A light load for two cores, a client every 40 ms. Who waits in an instance that hangs does so for
# 10 s at most, and as many fit in here.
EVERY = 0.04
CLIENTS = 256


@dataclass(frozen=True)
class Answer:
    """When a request began (monotonic seconds), and its status; 0 if there was no answer."""

    began: float
    status: int


class Traffic:
    """Asks for /process through the load balancer at `url` while the block lasts.

    Each request is of a client of its own, so that one that waits holds up no other.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/process"
        self._ended = Event()
        self._answers: list[Answer] = []

    def __enter__(self) -> Traffic:
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask no more, and wait for the last answers."""
        self._ended.set()
        self._thread.join()

    def since(self, moment: float) -> Sequence[Answer]:
        """Return the answers to what was asked after a moment, in monotonic seconds."""
        return [answer for answer in list(self._answers) if answer.began > moment]

    def _run(self) -> None:
        with ThreadPoolExecutor(CLIENTS) as clients:
            while not self._ended.wait(EVERY):
                clients.submit(self._ask)

    def _ask(self) -> None:
        began = time.monotonic()
        try:
            status = requests.post(self._url, json=[{"mass": 3750}], timeout=15).status_code
        except requests.RequestException:
            status = 0
        self._answers.append(Answer(began, status))
