"""Which faults are on, in memory that all workers of the instance share."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count

from .. import shared
from .kinds import KINDS, Fault

# The values of one fault: its end (Unix seconds), probability, duration and up to three parameters.
WIDTH = 6
END, PROBABILITY, DURATION, FIRST = 0, 1, 2, 3
# Steps of the golden ratio fill a unit evenly however many there are,
# https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
STEP = 0.6180339887


class FaultState:
    """The switches. A fault is on until its end, given in Unix seconds; a restart clears all."""

    def __init__(
        self,
        numbers: memoryview[float] = shared.FAULTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._numbers = numbers
        self._clock = clock
        self._struck: dict[str, count[int]] = defaultdict(count)
        self._row = {kind: row * WIDTH for row, kind in enumerate(KINDS)}

    def enable(self, fault: Fault) -> None:
        """Switch a fault on for its duration, or change it while it is on."""
        row = self._row[fault.kind]
        self._numbers[row + END] = 0.0  # nobody reads the parameters while they change
        self._numbers[row + PROBABILITY] = fault.probability
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
            self._numbers[row + PROBABILITY],
            self._numbers[row + DURATION],
            {name: self._numbers[row + FIRST + place] for place, name in enumerate(names)},
        )

    def strikes(self, kind: str) -> Fault | None:
        """Return the fault when it is on and, by its probability, hits this time.

        The hits are spread evenly, so that few requests already have their share, and yet no
        period of them could meet one of the clients.
        """
        fault = self.active(kind)
        if fault is None or (next(self._struck[kind]) + 0.5) * STEP % 1 >= fault.probability:
            return None
        return fault
