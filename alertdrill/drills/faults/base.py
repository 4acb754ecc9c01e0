"""A fault: how to inject it, and how to undo it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import AlertdrillError
from ..undo import UndoStep


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `prepare` does the slow work that has no effect yet, before the drill's clock starts. `stop`
    ends the fault's work in this process, before the undo steps. `prepare` and `inject` raise
    `AlertdrillError` if they fail.
    """

    inject: Callable[[], object]
    undo: Sequence[UndoStep] = ()
    prepare: Callable[[], object] = _nothing
    stop: Callable[[], object] = _nothing


class Repeater:
    """A thread that repeats an action until `stop`."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, interval: float, action: Callable[[], object]) -> None:
        """Call the action now and every `interval` seconds."""
        self._thread = threading.Thread(target=self._loop, args=(interval, action), daemon=True)
        self._thread.start()

    def _loop(self, interval: float, action: Callable[[], object]) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            # The target may be down at the moment; the next call tries again.
            with contextlib.suppress(AlertdrillError, OSError):
                action()
            due += interval
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        """Return when the last call has ended."""
        self._stopped.set()
        if self._thread:
            self._thread.join()
