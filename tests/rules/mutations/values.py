"""The mutations of numbers and durations."""

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


def neighbouring_numbers(text: str) -> list[str]:
    """Return the neighbours of a number: plus and minus one, or 10 %."""
    number = Decimal(int(text, 16)) if text[:2].lower() == "0x" else Decimal(text)
    # One is a small step for 10 and a big one for 0.05.
    if number < 10 and number == int(number):
        return [_plain(number + 1), _plain(number - 1)]
    return [_plain(number * Decimal("1.1")), _plain(number * Decimal("0.9"))]


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def milliseconds(text: str) -> int:
    """Return the milliseconds of a duration such as `1h30m`."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    return sum(int(number) * MILLISECONDS[unit] for number, unit in parts)


def neighbouring_durations(text: str) -> list[str]:
    """Return twice and half of a duration; for zero, one evaluation interval of 5 s."""
    whole = milliseconds(text)
    return [_duration(whole * 2), _duration(whole // 2)] if whole else ["5s"]


def _duration(whole: int) -> str:
    """Format it with the largest unit that needs no fraction."""
    # Not days: `48h` is easier to compare with `24h` than `2d`.
    unit = next(unit for unit in ("h", "m", "s", "ms") if whole % MILLISECONDS[unit] == 0)
    return f"{whole // MILLISECONDS[unit]}{unit}"
