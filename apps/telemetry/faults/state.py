"""Which faults are on, in memory that all workers of the instance share."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from .. import shared
from .kinds import KINDS, Fault

# The numbers of one fault: when it ends (Unix seconds), ratio, duration, up to three parameters.
WIDTH = 6
END, RATIO, DURATION, FIRST = 0, 1, 2, 3


class FaultState:
    """The switches. A fault is on until its end, given in Unix seconds; a restart clears all."""

    def __init__(
        self,
        numbers: memoryview[float] = shared.FAULTS,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._numbers = numbers
        self._clock = clock
        self._chance = chance
        self._row = {kind: row * WIDTH for row, kind in enumerate(KINDS)}

    def enable(self, fault: Fault) -> None:
        """Switch a fault on for its duration, or change it while it is on."""
        row = self._row[fault.kind]
        self._numbers[row + END] = 0.0  # nobody reads the parameters while they change
        self._numbers[row + RATIO] = fault.ratio
        self._numbers[row + DURATION] = fault.duration
        for place, name in enumerate(KINDS[fault.kind].parameters):
            self._numbers[row + FIRST + place] = fault.parameters[name]
        self._numbers[row + END] = self._clock() + fault.duration

    def disable(self, kind: str) -> None:
        """Switch a fault off; it may be off already."""
        self._numbers[self._row[kind] + END] = 0.0

    def remaining(self, kind: str) -> float:
        """Return for how many seconds the fault stays on, 0 when it is off."""
        end: float = self._numbers[self._row[kind] + END]
        return max(0.0, end - self._clock())

    def active(self, kind: str) -> Fault | None:
        """Return the fault while it is on."""
        if not self.remaining(kind):
            return None
        row = self._row[kind]
        names = KINDS[kind].parameters
        return Fault(
            kind,
            self._numbers[row + RATIO],
            self._numbers[row + DURATION],
            {name: self._numbers[row + FIRST + place] for place, name in enumerate(names)},
        )

    def strikes(self, kind: str) -> Fault | None:
        """Return the fault when it is on and, by its ratio, hits this time."""
        fault = self.active(kind)
        return fault if fault is not None and self._chance() < fault.ratio else None
