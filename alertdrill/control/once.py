"""Do what is asked under one key once, however often it is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from .errors import Problem

# A client asks again within minutes, and heals a few times an hour: the newest are enough.
MOST = 100
# The stack was away: nothing was done, and the same may be asked again.
AWAY = 503


@dataclass(frozen=True)
class Outcome:
    """How something ended: an HTTP status, and a sentence."""

    status: int
    sentence: str


@dataclass(frozen=True)
class _Entry:
    request: str
    outcome: Future[Outcome] = field(default_factory=Future)


class Once:
    """The outcomes of the newest keys; one that is under way is never forgotten."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def do(self, key: str, request: str, act: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of `act`, or of what the key's first asker does or has done.

        Raises a `Problem` where the key was given to another request; what `act` raises, each
        of the askers gets.
        """
        entry, mine = self._entry(key, request)
        if mine:
            _settle(entry.outcome, act)
            if entry.outcome.result().status == AWAY:
                with self._lock:
                    self._known.pop(key, None)  # another asker may have made room
        return entry.outcome.result()

    def _entry(self, key: str, request: str) -> tuple[_Entry, bool]:
        with self._lock:
            found = self._known.get(key)
            if found is None:
                self._known[key] = _Entry(request)
                self._forget()
                return self._known[key], True
        if found.request != request:
            raise Problem(400, f"Idempotency-Key {key!r} was {found.request}: take a fresh one.")
        return found, False

    def _forget(self) -> None:
        done = [key for key, entry in self._known.items() if entry.outcome.done()]
        for key in done[: max(0, len(self._known) - self._most)]:
            del self._known[key]


def _settle(outcome: Future[Outcome], act: Callable[[], Outcome]) -> None:
    try:
        outcome.set_result(act())
    except BaseException as error:
        outcome.set_exception(error)
        raise
