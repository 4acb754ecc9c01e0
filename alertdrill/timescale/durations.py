"""Durations as Prometheus and Alertmanager write them, and what a speed makes of them. Pure."""

from __future__ import annotations

import re

from .errors import TimescaleError

# In milliseconds; the units of https://prometheus.io/docs/prometheus/latest/querying/basics.
# A week and a year are read but never written: a day of them says the same.
UNIT_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# Longer units first, so that `5ms` is not five minutes and an `s`.
PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
DURATION = re.compile(rf"(?:{PART.pattern.replace('(', '(?:')})+")
# Below 1 waits would grow. At 1000 a scrape every 5 s comes every 5 ms, which none keeps up with.
MIN_SPEED, MAX_SPEED = 1.0, 1000.0


def check_speed(speed: float) -> None:
    """Raise `TimescaleError` unless the speed is from 1 to 1000."""
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise TimescaleError(
            f"A speed of {speed:g} can't be rehearsed at:"
            f" choose one from {MIN_SPEED:g} (the real thing) to {MAX_SPEED:g}."
        )


def parse_milliseconds(duration: str) -> int:
    """Return how many milliseconds a duration such as `1h30m` is."""
    return sum(int(number) * UNIT_MS[unit] for number, unit in PART.findall(duration))


def format_milliseconds(duration: int) -> str:
    """Write milliseconds in the largest unit, up to days, that holds them exactly."""
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if duration % UNIT_MS[unit] == 0)
    return f"{duration // UNIT_MS[unit]}{unit}"


def scale(duration: str, speed: float) -> str:
    """Divide a duration by the speed, to whole milliseconds and at least one.

    None at all stays none, and at speed 1 everything stays as it is written.
    """
    whole = parse_milliseconds(duration)
    return (
        duration if whole == 0 or speed == 1 else format_milliseconds(max(1, round(whole / speed)))
    )
