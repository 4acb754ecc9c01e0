"""Faults: how to inject each, and how to undo it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import AlertdrillError
from ..undo import UndoStep


@dataclass(frozen=True)
class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `prepare` does the slow work that has no effect yet, before the drill's clock starts. `stop`
    ends the fault's work in this process, before the undo steps. `prepare` and `inject` raise
    `AlertdrillError` if they fail.
    """

    inject: Callable[[], object]
    undo: Sequence[UndoStep] = ()
    prepare: Callable[[], object] = lambda: None
    stop: Callable[[], object] = lambda: None


def repeating(
    interval: float, action: Callable[[], object], undo: Sequence[UndoStep] = ()
) -> Fault:
    """Return a fault that calls an action at once and every `interval` seconds, until it stops."""
    stopped = threading.Event()

    def loop() -> None:
        due = time.monotonic()
        while not stopped.is_set():
            # The target may be down at the moment; the next call tries again.
            with contextlib.suppress(AlertdrillError, OSError):
                action()
            due += interval
            stopped.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=loop, daemon=True)

    def stop() -> None:
        stopped.set()
        if thread.ident:
            thread.join()

    return Fault(thread.start, undo, stop=stop)
