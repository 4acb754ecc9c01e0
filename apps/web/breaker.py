"""A circuit breaker: refuse calls to a failing peer for a while, so that `web` stays fast."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from circuitbreaker import CircuitBreaker

from .errors import BreakerOpenError

T = TypeVar("T")


class Breaker:
    """A circuit breaker that allows one call at a time while it is half open.

    It calls `on_state_change` after each call, with whether the breaker is open.
    """

    def __init__(
        self,
        peer: str,
        circuit: CircuitBreaker,
        on_state_change: Callable[[bool], None],
    ) -> None:
        self.peer = peer
        self._circuit = circuit
        self._on_state_change = on_state_change
        self._half_open_lock = threading.Lock()
        on_state_change(False)

    def call(self, send: Callable[[], T]) -> T:
        """Return the result of `send`; raise `BreakerOpenError` if the breaker is open."""
        if self._circuit.closed:
            return self._call(send)
        if not self._half_open_lock.acquire(blocking=False):
            raise self._open_error()
        try:
            if self._circuit.opened:  # check again: the call before may just have failed
                raise self._open_error()
            return self._call(send)
        finally:
            self._half_open_lock.release()

    def _open_error(self) -> BreakerOpenError:
        return BreakerOpenError(self.peer, max(1.0, self._circuit.open_remaining))

    def _call(self, send: Callable[[], T]) -> T:
        try:
            result: T = self._circuit.call(send)
            return result
        finally:
            self._on_state_change(not self._circuit.closed)
