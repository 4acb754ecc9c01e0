"""Parse, round and format durations as Grafana does; all are in milliseconds."""

from __future__ import annotations

import re
from bisect import bisect_right

from .errors import QueryCheckError

# Grafana's month has 30 days, its year 365.
UNITS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "M": 2_592_000_000,
    "y": 31_536_000_000,
}
# Grafana's rounding of intervals (rangeutil.ts, roundInterval): up to each bound, the interval at
# the same index.
BOUNDS = (
    *(10, 15, 35, 75, 150, 350, 750, 1500, 3500, 7500, 12_500, 17_500, 25_000, 45_000),
    *(90_000, 210_000, 450_000, 750_000, 1_050_000, 1_500_000, 2_700_000, 5_400_000, 9_000_000),
    *(16_200_000, 32_400_000, 86_400_000, 604_800_000, 1_814_400_000, 3_628_800_000),
)
ROUND = (
    *(1, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000),
    *(10_800_000, 21_600_000, 43_200_000, 86_400_000, 604_800_000, 2_592_000_000, 31_536_000_000),
)


def milliseconds(text: str) -> int:
    """Return a duration such as `5s`, `1m30s` or `90` (seconds)."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdwMy])", text)
    if parts and "".join(map("".join, parts)) == text:
        return round(sum(float(number) * UNITS[unit] for number, unit in parts))
    if text.isdecimal():
        return int(text) * UNITS["s"]
    raise QueryCheckError(f"invalid duration {text!r}: use a number and a unit, such as 5s")


def round_interval(width: float) -> int:
    """Return the rounded interval that Grafana uses."""
    return ROUND[bisect_right(BOUNDS, width)]


def format_duration(duration: int) -> str:
    """Return a duration in its largest whole unit, the format of `$__interval`: 90 s are `1m`."""
    for unit in ("y", "d", "h", "m", "s", "ms"):
        if duration >= UNITS[unit]:
            return f"{duration // UNITS[unit]}{unit}"
    return "1ms"


def format_exact(duration: int) -> str:
    """Return the exact duration, the format of `$__rate_interval`."""
    return f"{duration // 1000}s" if duration % 1000 == 0 else f"{duration}ms"
