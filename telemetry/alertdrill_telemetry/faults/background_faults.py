"""Faults that need no request (CPU, memory, log lines), and the gauge of active faults."""

from __future__ import annotations

import logging
import mmap
import threading
import time
from collections.abc import Callable

from ..metrics import Metrics
from .kinds import KINDS, Fault
from .state import FaultState

# Short enough that a fault starts and ends at once for a person, long enough to cost nothing.
TICK_S = 0.1
MIB = 1024 * 1024

logger = logging.getLogger("faults")


def allocate(size: int) -> mmap.mmap:
    """Return resident memory of `size` bytes. It goes back to the system when you close it."""
    block = mmap.mmap(-1, max(1, size))
    block.write(b"x" * len(block))
    return block


class BackgroundFaults:
    """Applies the background faults in ticks."""

    def __init__(
        self, state: FaultState, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._state = state
        self._metrics = metrics
        self._clock = clock
        self._blocks: list[mmap.mmap] = []
        # Fractions of log lines and of errors that the next tick makes up for.
        self._pending_lines = 0.0
        self._pending_errors = 0.0

    def start(self) -> None:
        """Tick in a separate thread until the process ends."""
        threading.Thread(target=self._run, name="faults", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        last = self._clock()
        while not pause.wait(TICK_S):
            now = self._clock()
            self.tick(now - last)
            last = now

    def tick(self, seconds: float) -> None:
        """Apply the active faults for the `seconds` since the last tick."""
        self.update_gauge()
        self._use_memory(self._state.active("memory"), seconds)
        self._log(self._state.active("log_flood"), seconds)
        self._use_cpu(self._state.active("cpu"))

    def update_gauge(self) -> None:
        """Set `fault_active` for every kind."""
        for kind in KINDS:
            self._metrics.fault_active.labels(kind=kind).set(bool(self._state.remaining(kind)))

    def allocated_mib(self) -> float:
        """Return how many MiB the fault `memory` holds now."""
        return sum(len(block) for block in self._blocks) / MIB

    def _use_memory(self, fault: Fault | None, seconds: float) -> None:
        if fault is None:
            while self._blocks:
                self._blocks.pop().close()
            return
        room = fault.parameters["mib"] - self.allocated_mib()
        growth = min(room, fault.parameters["mib_per_second"] * seconds)
        if growth > 0:
            self._blocks.append(allocate(int(growth * MIB)))

    def _log(self, fault: Fault | None, seconds: float) -> None:
        if fault is None:
            self._pending_lines = 0.0
            return
        self._pending_lines += fault.parameters["lines_per_second"] * seconds
        for _ in range(int(self._pending_lines)):
            self._pending_errors += fault.parameters["error_ratio"]
            is_error = self._pending_errors >= 1
            self._pending_errors -= is_error
            logger.log(logging.ERROR if is_error else logging.INFO, "The fault `log_flood` is on.")
        self._pending_lines %= 1

    def _use_cpu(self, fault: Fault | None) -> None:
        if fault is None:
            return
        # A tick is the pause and this work: load = work / (work + pause). At full load the work
        # takes five seconds and leaves one pause in fifty. It ends with the fault.
        load = min(fault.parameters["load"], 0.98)
        end = self._clock() + TICK_S * load / (1 - load)
        while self._clock() < end and self._state.remaining("cpu"):
            pass
