"""Faults in the telemetry of an instance: its clock, its series and its log."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from ..metrics import Sample
from .state import FaultState


def clock_skew(state: FaultState) -> Callable[[], float]:
    """Return a function that returns the clock's skew in seconds; 0 without the fault."""

    def skew() -> float:
        fault = state.active("clock_skew")
        return fault.parameters["seconds"] if fault else 0.0

    return skew


def log_silence(state: FaultState) -> Callable[[], bool]:
    """Return a function that returns whether the fault `log_silence` drops a line."""
    return lambda: state.should_inject("log_silence") is not None


def log_disk_full(state: FaultState) -> Callable[[int], int]:
    """Return a function that replaces the descriptor of stdout while `log_disk_full` is on."""
    return lambda stdout: _full_disk() if state.should_inject("log_disk_full") else stdout


@cache
def _full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC)


def extra_series(state: FaultState) -> Callable[[], list[Sample]]:
    """Return a function that returns the samples of the fault `cardinality`; none without it."""

    def samples() -> list[Sample]:
        fault = state.active("cardinality")
        count = int(fault.parameters["series"]) if fault else 0
        return [((str(number),), 1.0) for number in range(1, count + 1)]

    return samples
