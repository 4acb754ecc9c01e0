"""Stop asking a peer that fails, so that `web` stays fast, and try it again after a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from circuitbreaker import CircuitBreaker

from .errors import BreakerOpenError

T = TypeVar("T")


class Breaker:
    """A circuit breaker that lets one call at a time through while it is half open.

    `failure` is the exception that counts as a failure of the peer; `show` is told whether the
    breaker is open, after every change.
    """

    def __init__(
        self,
        peer: str,
        circuit: CircuitBreaker,
        show: Callable[[bool], None],
    ) -> None:
        self.peer = peer
        self._circuit = circuit
        self._show = show
        self._trial = threading.Lock()
        show(False)

    def call(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns; raise `BreakerOpenError` instead of asking while open."""
        if self._circuit.closed:
            return self._ask(ask)
        if not self._trial.acquire(blocking=False):
            raise self._refusal()
        try:
            if self._circuit.opened:  # asked only now: the trial before may just have failed
                raise self._refusal()
            return self._ask(ask)
        finally:
            self._trial.release()

    def _refusal(self) -> BreakerOpenError:
        return BreakerOpenError(self.peer, max(1.0, self._circuit.open_remaining))

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            answer: T = self._circuit.call(ask)
            return answer
        finally:
            self._show(not self._circuit.closed)
