"""Faults in what is read from the instance: its clock, its series and its log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..metrics import Sample
from .state import FaultState


def skew(state: FaultState) -> Callable[[], float]:
    """Return the seconds by which the clock is ahead; 0 without the fault `clock_skew`."""

    def ahead() -> float:
        fault = state.active("clock_skew")
        return fault.parameters["seconds"] if fault else 0.0

    return ahead


def mute(state: FaultState) -> Callable[[logging.LogRecord], bool]:
    """Return a log filter that drops every record while the fault `log_silence` is on."""
    return lambda _: not state.strikes("log_silence")


def series(state: FaultState) -> Callable[[], list[Sample]]:
    """Return what makes the series of the fault `cardinality`; none without it."""

    def made() -> list[Sample]:
        fault = state.active("cardinality")
        many = int(fault.parameters["series"]) if fault else 0
        return [((str(number),), 1.0) for number in range(1, many + 1)]

    return made
