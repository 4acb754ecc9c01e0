"""The state of the faults, in memory that all workers of the instance share."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count

from .. import shared_counters
from .kinds import KINDS, Fault

# The values of one fault: its end (Unix seconds), probability, duration and up to three parameters.
WIDTH = 6
END, PROBABILITY, DURATION, FIRST_PARAMETER = 0, 1, 2, 3
# Multiples of the golden ratio, modulo 1, spread evenly over 0 to 1, however many there are:
# https://en.wikipedia.org/wiki/Low-discrepancy_sequence#Additive_recurrence
GOLDEN_RATIO = 0.6180339887


class FaultState:
    """The state of every fault. A fault is on until its end; a restart clears all of them."""

    def __init__(
        self,
        counters: memoryview[float] = shared_counters.FAULTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counters = counters
        self._clock = clock
        self._calls: dict[str, count[int]] = defaultdict(count)
        self._row = {kind: row * WIDTH for row, kind in enumerate(KINDS)}

    def enable(self, fault: Fault) -> None:
        """Switch a fault on for its duration; replace it if it is on."""
        row = self._row[fault.kind]
        self._counters[row + END] = 0.0  # off while the parameters change
        self._counters[row + PROBABILITY] = fault.probability
        self._counters[row + DURATION] = fault.duration
        for index, name in enumerate(KINDS[fault.kind].parameters):
            self._counters[row + FIRST_PARAMETER + index] = fault.parameters[name]
        self._counters[row + END] = self._clock() + fault.duration

    def disable(self, kind: str) -> None:
        """Switch a fault off; do nothing if it is off."""
        self._counters[self._row[kind] + END] = 0.0

    def remaining(self, kind: str) -> float:
        """Return for how many more seconds the fault stays on; 0 if it is off."""
        end: float = self._counters[self._row[kind] + END]
        return max(0.0, end - self._clock())

    def active(self, kind: str) -> Fault | None:
        """Return the fault if it is on."""
        if not self.remaining(kind):
            return None
        row = self._row[kind]
        names = KINDS[kind].parameters
        return Fault(
            kind,
            self._counters[row + PROBABILITY],
            self._counters[row + DURATION],
            {
                name: self._counters[row + FIRST_PARAMETER + index]
                for index, name in enumerate(names)
            },
        )

    def should_inject(self, kind: str) -> Fault | None:
        """Return the fault if it is on and its probability selects this call.

        The selected calls are spread evenly, so that a few requests already get their share. They
        have no period that could coincide with a period of the clients.
        """
        fault = self.active(kind)
        if fault is None or (next(self._calls[kind]) + 0.5) * GOLDEN_RATIO % 1 >= fault.probability:
            return None
        return fault
