"""Numbers and moments as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

# Of each unit, the power of a thousand that it stands for.
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
MISSING, TIMES, MINUS = "\u2013", "\u00d7", "\u2212"


def seconds(value: float | None) -> str:
    """Return seconds with one decimal, because scrapes are tenths of a second at speed 12."""
    return MISSING if value is None else f"{value:.1f}"


def ratio(value: float | None) -> str:
    """Return how many times as much, with the sign for times."""
    return MISSING if value is None else f"{value:.2f}{TIMES}"


def duration(value: float) -> str:
    """Return a longer time in minutes and seconds."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def moment(timestamp: float) -> str:
    """Return a day and time in UTC, for a reader anywhere."""
    when = datetime.fromtimestamp(timestamp, UTC)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def number(value: float) -> str:
    """Return any value of a metric in at most four digits, such as `0.05` or `268.4 M`.

    Below 10,000 it needs no unit.
    """
    size, unit = next(
        ((s, f" {u}") for s, u in UNITS if max(s, 1e4) <= abs(value) < math.inf), (1.0, "")
    )
    return f"{value / size:.4g}{unit}".replace("-", MINUS)


def count(amount: int, thing: str) -> str:
    """Return so many of a thing, such as `1 drill` or `2 drills`."""
    return f"{amount} {thing}" if amount == 1 else f"{amount} {thing}s"
