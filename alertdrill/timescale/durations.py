"""Parse, format and scale the durations of Prometheus and Alertmanager. Pure."""

from __future__ import annotations

import re

from .errors import TimescaleError

# In milliseconds; the units of https://prometheus.io/docs/prometheus/latest/querying/basics.
# Weeks and years are parsed; the output uses days instead.
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
# Below 1 waits would grow. At 1000 a scrape interval of 5 s becomes 5 ms, which is too short.
MIN_SPEED, MAX_SPEED = 1.0, 1000.0


def check_speed(speed: float) -> None:
    """Raise `TimescaleError` unless the speed is from 1 to 1000."""
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise TimescaleError(
            f"speed {speed:g} is out of range: use {MIN_SPEED:g} (real time) to {MAX_SPEED:g}."
        )


def parse_milliseconds(duration: str) -> int:
    """Return a duration such as `1h30m` in milliseconds."""
    return sum(int(number) * UNIT_MS[unit] for number, unit in PART.findall(duration))


def format_milliseconds(duration: int) -> str:
    """Format milliseconds in the largest exact unit, up to days."""
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if duration % UNIT_MS[unit] == 0)
    return f"{duration // UNIT_MS[unit]}{unit}"


def scale(duration: str, speed: float) -> str:
    """Divide a duration by the speed, to whole milliseconds and at least one.

    A zero duration stays zero; speed 1 keeps the text unchanged.
    """
    whole = parse_milliseconds(duration)
    return (
        duration if whole == 0 or speed == 1 else format_milliseconds(max(1, round(whole / speed)))
    )
