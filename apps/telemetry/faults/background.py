"""Faults that need no request: CPU, memory and log lines, and the gauge of what is on."""

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
TICK = 0.1
MIB = 1024 * 1024

logger = logging.getLogger("faults")


def resident(size: int) -> mmap.mmap:
    """Return so much memory, written to, that goes back to the system once it is closed."""
    piece = mmap.mmap(-1, max(1, size))
    piece.write(b"x" * len(piece))
    return piece


class Background:
    """What the faults do between requests, a tick at a time."""

    def __init__(
        self, state: FaultState, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._state = state
        self._metrics = metrics
        self._clock = clock
        self._kept: list[mmap.mmap] = []
        self._owed_lines = 0.0
        self._owed_errors = 0.0

    def start(self) -> None:
        """Tick in a thread of its own until the process ends."""
        threading.Thread(target=self._run, name="faults", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        last = self._clock()
        while not pause.wait(TICK):
            now = self._clock()
            self.tick(now - last)
            last = now

    def tick(self, seconds: float) -> None:
        """Do what the active faults do in so many seconds."""
        self.show()
        self._keep_memory(self._state.active("memory"), seconds)
        self._log(self._state.active("log_flood"), seconds)
        self._compute(self._state.active("cpu"))

    def show(self) -> None:
        """Set `fault_active` for every kind."""
        for kind in KINDS:
            self._metrics.fault_active.labels(kind=kind).set(bool(self._state.remaining(kind)))

    def kept_mib(self) -> float:
        """Return how many MiB the fault `memory` holds now."""
        return sum(len(piece) for piece in self._kept) / MIB

    def _keep_memory(self, fault: Fault | None, seconds: float) -> None:
        if fault is None:
            while self._kept:
                self._kept.pop().close()
            return
        room = fault.parameters["mib"] - self.kept_mib()
        piece = min(room, fault.parameters["mib_per_second"] * seconds)
        if piece > 0:
            self._kept.append(resident(int(piece * MIB)))

    def _log(self, fault: Fault | None, seconds: float) -> None:
        if fault is None:
            self._owed_lines = 0.0
            return
        self._owed_lines += fault.parameters["lines_per_second"] * seconds
        for _ in range(int(self._owed_lines)):
            self._owed_errors += fault.parameters["error_ratio"]
            is_error = self._owed_errors >= 1
            self._owed_errors -= is_error
            logger.log(logging.ERROR if is_error else logging.INFO, "The fault `log_flood` is on.")
        self._owed_lines %= 1

    def _compute(self, fault: Fault | None) -> None:
        if fault is None:
            return
        # A tick is the pause plus this work: load = work / (work + pause), so at full load the
        # work of one second holds the core but for one pause in eleven.
        load = min(fault.parameters["load"], 0.91)
        end = self._clock() + TICK * load / (1 - load)
        while self._clock() < end:
            pass
