"""Parse, format and divide durations in Prometheus's format, such as 5m or 1h30m. Pure."""

from __future__ import annotations

import re

# In milliseconds; the units of https://prometheus.io/docs/prometheus/latest/querying/basics.
UNIT_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# `ms` comes first, so that `5ms` is not five minutes and an `s`.
PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
DURATION = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
# No real duration is longer; int() and float() refuse very long numbers.
MAX_LENGTH = 100


def parse_milliseconds(text: str) -> int:
    """Return a duration in milliseconds; raise `ValueError` for another text."""
    if len(text) > MAX_LENGTH or not DURATION.fullmatch(text):
        raise ValueError("use a duration such as 90s or 1h30m")
    return sum(int(number) * UNIT_MS[unit] for number, unit in PART.findall(text))


def parse_seconds(text: str) -> float:
    """Return a duration in seconds; raise `ValueError` for another text."""
    return parse_milliseconds(text) / 1000


def format_milliseconds(duration: int) -> str:
    """Format milliseconds in the largest exact unit, up to days."""
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if duration % UNIT_MS[unit] == 0)
    return f"{duration // UNIT_MS[unit]}{unit}"


def divide(duration: str, divisor: float) -> str:
    """Divide a duration, to whole milliseconds and at least one.

    A zero duration stays zero; divisor 1 keeps the text unchanged.
    """
    whole = parse_milliseconds(duration)
    if whole == 0 or divisor == 1:
        return duration
    return format_milliseconds(max(1, round(whole / divisor)))
