"""How busy this machine is: its processors, and what waits for them."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

# The total microseconds in which a program waited for a processor; Linux 4.20 and later.
PRESSURE = Path("/proc/pressure/cpu")
# As HostCpuHigh: what is left is less than one request needs.
BUSY_SHARE = 0.9
# A program waits for half of the time, so it is served at half of its speed.
WAITING_SHARE = 0.5


@dataclass(frozen=True)
class MachineUse:
    """The use of a machine in a span of time.

    `busy` is the share of the processors' time that programs used or that waited for a disk,
    `waiting` the share of the time in which a program waited for a processor, None if the kernel
    does not measure it. `load` is the load average of the last minute.
    """

    busy: float
    waiting: float | None
    load: float

    @property
    def is_busy(self) -> bool:
        """Return whether programs had to wait for the processors."""
        return self.busy >= BUSY_SHARE or (self.waiting or 0.0) >= WAITING_SHARE

    def __str__(self) -> str:
        """Return a text such as `97% of 2 processors in use, load average 8.5`."""
        waiting = (
            "" if self.waiting is None else f", programs waited {self.waiting:.0%} of the time"
        )
        processors = os.cpu_count() or 1
        return (
            f"{self.busy:.0%} of {processors} processors in use{waiting},"
            f" load average {self.load:.1f}"
        )


class MachineMonitor:
    """Measures the use of this machine from its creation on."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._used, self._total = _cpu_seconds()
        self._waited = _waited_seconds()

    def use(self) -> MachineUse:
        """Return the use until now."""
        used, total = _cpu_seconds()
        waited, seconds = _waited_seconds(), max(0.001, time.monotonic() - self._start)
        waiting = None
        if waited is not None and self._waited is not None:
            waiting = min(1.0, (waited - self._waited) / seconds)
        busy = (used - self._used) / max(0.001, total - self._total)
        return MachineUse(min(1.0, max(0.0, busy)), waiting, os.getloadavg()[0])


def _cpu_seconds() -> tuple[float, float]:
    """Return the seconds of all processors that were in use, and all of them."""
    times = psutil.cpu_times()
    # `guest` is a part of `user`, `guest_nice` of `nice`.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle, total


def _waited_seconds() -> float | None:
    with suppress(OSError):
        if match := re.search(r"^some .*total=(\d+)", PRESSURE.read_text(), re.MULTILINE):
            return int(match[1]) / 1e6
    return None
