"""The base class of faults. The undo steps are known before the fault is injected."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import AlertdrillError
from ...runtimes import Runtime
from ..fault_kinds import KINDS
from ..model import FaultSpec
from ..traffic import Traffic
from ..undo import UndoStep


@dataclass(frozen=True)
class FaultContext:
    """The stack, the load and the run of a fault, which lasts at most `max_duration` seconds."""

    runtime: Runtime
    traffic: Traffic
    run_id: str
    max_duration: float


class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `stop` ends its work in this process, before the undo steps.
    """

    def __init__(self, spec: FaultSpec, context: FaultContext) -> None:
        self.spec = spec
        self.context = context
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the steps that undo the fault."""
        return ()

    def prepare(self) -> None:
        """Do the slow work that has no effect yet, before the drill's clock starts."""

    def inject(self) -> None:
        """Start the fault; raise `FaultError` if that fails."""

    def stop(self) -> None:
        """End the fault's work in this process."""
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def number(self, name: str, default: float) -> float:
        """Return a parameter at the stack's speed."""
        kind, speed = KINDS[self.spec.kind], self.context.runtime.speed
        value = float(self.spec.parameters.get(name, default))
        if name in kind.rates:
            return value * speed
        return value / speed if name in kind.durations else value

    def repeat(self, interval: float, action: Callable[[], object]) -> None:
        """Call the action now and every `interval` seconds, until the fault is stopped."""

        def loop() -> None:
            due = time.monotonic()
            while not self._stopped.is_set():
                # The target may be down at the moment; the next call tries again.
                with contextlib.suppress(AlertdrillError, OSError):
                    action()
                due += interval
                self._stopped.wait(max(0.0, due - time.monotonic()))

        self._thread = threading.Thread(target=loop, daemon=True)
        self._thread.start()
