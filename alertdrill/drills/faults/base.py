"""A fault and its kind. The undo steps are known before the fault is injected."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...config.services import MAX_REPLICAS
from ...errors import AlertdrillError
from ..context import DrillContext
from ..model import FaultSpec
from ..undo import UndoStep

# What a kind accepts as its target: `instance` includes a whole service.
TargetScope = Literal["instance", "service", "component", "any", "none"]

# Parameters that are fractions from 0 to 1.
FRACTIONS = ("probability", "available", "initial_available", "to", "share_per_second")


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault: its target scope, its number parameters and its choice parameters.

    `rates` are parameters that are multiplied by the speed, `durations` are divided by it. A
    fault that `takes_down` its target puts an instance out of service, so that a restart may help.
    """

    name: str
    description: str
    scope: TargetScope
    fault: type[Fault]
    numbers: Sequence[str] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    required: Sequence[str] = ()
    rates: Sequence[str] = ()
    durations: Sequence[str] = ()
    takes_down: bool = False

    def bounds(self, name: str) -> tuple[float, float]:
        """Return the exclusive lower bound and the inclusive upper bound of a number."""
        if name in FRACTIONS:
            return 0.0, 1.0
        if name == "instances":
            return 0.0, float(MAX_REPLICAS)
        # A clock may be slow as well as fast, and a log flood may contain no errors.
        unbounded = self.name in ("clock_skew", "log_flood")
        return (-math.inf if unbounded else 0.0), math.inf


class Fault:
    """A fault: `inject` starts it, and the steps of `undo` end it.

    `stop` ends its work in this process, before the undo steps. It lasts at most `max_duration`
    seconds.
    """

    def __init__(
        self, spec: FaultSpec, kind: FaultKind, context: DrillContext, max_duration: float
    ) -> None:
        self.spec = spec
        self.kind = kind
        self.context = context
        self.max_duration = max_duration
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
        speed = self.context.runtime.speed
        value = float(self.spec.parameters.get(name, default))
        if name in self.kind.rates:
            return value * speed
        return value / speed if name in self.kind.durations else value

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
