"""Run a request once for each idempotency key, however often a client retries it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from .problems import Problem

# Clients retry within minutes, and heal a few times an hour: keep only the newest keys.
MAX_KEYS = 100
# The stack was unavailable: nothing was done, so the same key may be retried.
STACK_UNAVAILABLE = 503


@dataclass(frozen=True)
class Outcome:
    """The result of a request: an HTTP status and a sentence."""

    status: int
    detail: str


@dataclass(frozen=True)
class _Entry:
    request: str
    outcome: Future[Outcome] = field(default_factory=Future)


class IdempotencyCache:
    """The outcomes of the newest keys; the key of a running request is never evicted."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def do(self, key: str, request: str, operation: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of `operation`, or the outcome of the first request with this key.

        Raises a `Problem` if the key belongs to a different request. An exception of `operation` is
        raised for every request with the key.
        """
        entry, is_first = self._entry(key, request)
        if is_first:
            _resolve(entry.outcome, operation)
            if entry.outcome.result().status == STACK_UNAVAILABLE:
                with self._lock:
                    self._entries.pop(key, None)  # a concurrent request may have evicted it
        return entry.outcome.result()

    def _entry(self, key: str, request: str) -> tuple[_Entry, bool]:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._entries[key] = _Entry(request)
                self._evict()
                return self._entries[key], True
        if entry.request != request:
            raise Problem(
                400, f"Idempotency-Key {key!r} was used for {entry.request}: use a new key."
            )
        return entry, False

    def _evict(self) -> None:
        done = [key for key, entry in self._entries.items() if entry.outcome.done()]
        for key in done[: max(0, len(self._entries) - self._max_keys)]:
            del self._entries[key]


def _resolve(outcome: Future[Outcome], operation: Callable[[], Outcome]) -> None:
    try:
        outcome.set_result(operation())
    except BaseException as error:
        outcome.set_exception(error)
        raise
