"""Do what is asked under one key once, however often it is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from .errors import Problem

# A client asks again within minutes, and heals a few times an hour: the newest are enough.
MAX_KEYS = 100
# The stack was away: nothing was done, and the same may be asked again.
STACK_UNAVAILABLE = 503


@dataclass(frozen=True)
class Outcome:
    """How something ended: an HTTP status, and a detail."""

    status: int
    detail: str


@dataclass(frozen=True)
class _Entry:
    request: str
    outcome: Future[Outcome] = field(default_factory=Future)


class IdempotencyCache:
    """The outcomes of the newest keys; one that is under way is never forgotten."""

    def __init__(self, most: int = MAX_KEYS) -> None:
        self._most = most
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def do(self, key: str, request: str, act: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of `act`, or of what the key's first asker does or has done.

        Raises a `Problem` where the key was given to another request; what `act` raises, each
        of the askers gets.
        """
        entry, mine = self._entry(key, request)
        if mine:
            _resolve(entry.outcome, act)
            if entry.outcome.result().status == STACK_UNAVAILABLE:
                with self._lock:
                    self._entries.pop(key, None)  # another asker may have made room
        return entry.outcome.result()

    def _entry(self, key: str, request: str) -> tuple[_Entry, bool]:
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                self._entries[key] = _Entry(request)
                self._evict()
                return self._entries[key], True
        if found.request != request:
            raise Problem(400, f"Idempotency-Key {key!r} was {found.request}: take a fresh one.")
        return found, False

    def _evict(self) -> None:
        done = [key for key, entry in self._entries.items() if entry.outcome.done()]
        for key in done[: max(0, len(self._entries) - self._most)]:
            del self._entries[key]


def _resolve(outcome: Future[Outcome], act: Callable[[], Outcome]) -> None:
    try:
        outcome.set_result(act())
    except BaseException as error:
        outcome.set_exception(error)
        raise
