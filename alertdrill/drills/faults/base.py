"""What every fault has. How it is undone is known before it begins."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import AlertdrillError
from ...runtimes import Runtime
from ..drill import FaultSpec
from ..kinds import KINDS
from ..traffic import Traffic
from ..undo import UndoStep


@dataclass(frozen=True)
class FaultContext:
    """What faults work with. A fault lasts at most `max_duration` seconds."""

    runtime: Runtime
    traffic: Traffic
    run_id: str
    max_duration: float


class Fault:
    """A fault: `undo` says how to end it, `inject` begins it.

    `cease` ends what goes on in this process for it, before `undo` is performed.
    """

    def __init__(self, spec: FaultSpec, context: FaultContext) -> None:
        self.spec = spec
        self.context = context
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def undo(self) -> Sequence[UndoStep]:
        """Return the steps that end the fault."""
        return ()

    def prepare(self) -> None:
        """Do what takes long and is not the fault yet, before its time is taken."""

    def inject(self) -> None:
        """Begin; raise `FaultError` where that can't be."""

    def cease(self) -> None:
        """End what goes on in this process."""
        self._over.set()
        if self._thread:
            self._thread.join()

    def number(self, name: str, default: float) -> float:
        """Return a parameter as it is at the stack's speed."""
        kind, speed = KINDS[self.spec.kind], self.context.runtime.speed
        value = float(self.spec.parameters.get(name, default))
        if name in kind.grows:
            return value * speed
        return value / speed if name in kind.waits else value

    def again(self, every: float, act: Callable[[], object]) -> None:
        """Act now, and again each `every` seconds until the fault is over."""

        def loop() -> None:
            due = time.monotonic()
            while not self._over.is_set():
                # It may just be down: next time then.
                with contextlib.suppress(AlertdrillError, OSError):
                    act()
                due += every
                self._over.wait(max(0.0, due - time.monotonic()))

        self._thread = threading.Thread(target=loop, daemon=True)
        self._thread.start()
