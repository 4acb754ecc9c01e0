"""What a number or a duration is changed to."""

from __future__ import annotations

import re
from decimal import Decimal

MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}


def other_numbers(text: str) -> list[str]:
    """Return the numbers beside this one: one more and less, or a tenth where that is little."""
    number = Decimal(int(text, 16)) if text[:2].lower() == "0x" else Decimal(text)
    # One is a small step for 10 and a big one for 0.05.
    if number < 10 and number == int(number):
        return [_plain(number + 1), _plain(number - 1)]
    return [_plain(number * Decimal("1.1")), _plain(number * Decimal("0.9"))]


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def milliseconds(text: str) -> int:
    """Return how long a duration such as `1h30m` is."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    return sum(int(number) * MILLISECONDS[unit] for number, unit in parts)


def other_durations(text: str) -> list[str]:
    """Return the double and the half of a duration; for no time at all, one evaluation of 5 s."""
    whole = milliseconds(text)
    return [_duration(whole * 2), _duration(whole // 2)] if whole else ["5s"]


def _duration(whole: int) -> str:
    """Write it in the biggest unit that needs no fraction."""
    # Days and more would be right too, but nobody looks for `2d` beside `24h`.
    unit = next(unit for unit in ("h", "m", "s", "ms") if whole % MILLISECONDS[unit] == 0)
    return f"{whole // MILLISECONDS[unit]}{unit}"
