"""Numbers, times and healing as text for people."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

from ..model import ACTIONS, describe_healer
from ..result import DrillResult

# Each unit with the power of a thousand that it stands for.
UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
MISSING, TIMES, MINUS = "\u2013", "\u00d7", "\u2212"


def seconds(value: float | None) -> str:
    """Return seconds with one decimal: at speed 12 scrapes are tenths of a second apart."""
    return MISSING if value is None else f"{value:.1f}"


def ratio(value: float | None) -> str:
    """Return a ratio with the multiplication sign."""
    return MISSING if value is None else f"{value:.2f}{TIMES}"


def duration(value: float) -> str:
    """Return a duration in minutes and seconds."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def utc_time(timestamp: float) -> str:
    """Return the date and time of a timestamp in UTC."""
    when = datetime.fromtimestamp(timestamp, UTC)
    return f"{when.day} {when:%B %Y, %H:%M:%S} UTC"


def number(value: float) -> str:
    """Return a metric's value in at most four digits, such as `0.05` or `268.4 M`.

    Values below 10,000 have no unit.
    """
    size, unit = next(
        ((s, f" {u}") for s, u in UNITS if max(s, 1e4) <= abs(value) < math.inf), (1.0, "")
    )
    return f"{value / size:.4g}{unit}".replace("-", MINUS)


def count(amount: int, noun: str, plural: str = "") -> str:
    """Return an amount with its noun, such as `1 drill` or `2 drills`."""
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


def healed_by(result: DrillResult) -> str:
    """Return what healed the service and what the responder did; empty if neither applies."""
    if result.injected is None or (result.heal == "none" and not result.actions):
        return ""
    counts = Counter(result.actions)
    actions = ", ".join(
        action + (f" {TIMES}{times}" if times > 1 else "") for action, times in counts.items()
    )
    healer = describe_healer(result.heal) if "healed" in result.times else ""
    if healer and result.heal in ACTIONS:
        return f"{healer}: {actions}"
    return f"{healer or 'none'}; the responder did {actions or 'nothing'}"
