"""Format values with Grafana's units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
DECIMAL = ("", " K", " Mil", " Bil")
# Seconds in the units of time, largest first.
TIMES = ((604800.0, "w"), (86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
ENDS = {"reqps": " req/s", "ops": " ops/s", "cps": " c/s", "short": "", "none": ""}


def format_value(value: float, unit: str) -> str:
    """Format a value with a unit of Grafana; unknown units are omitted."""
    if not math.isfinite(value):
        return "no data" if math.isnan(value) else f"{value:g}"
    if unit in ("percentunit", "percent"):
        return f"{_short(value * 100 if unit == 'percentunit' else value)} %"
    if unit in ("bytes", "binBps"):
        return _scaled(value, BINARY, 1024) + ("/s" if unit == "binBps" else "")
    if unit == "dateTimeFromNow":  # in milliseconds; absolute, because a picture is read later
        return f"{datetime.fromtimestamp(value / 1000, UTC):%d %b %H:%M} UTC"
    if unit in ("s", "dtdurations"):
        return _time(value)
    return f"{_scaled(value, DECIMAL, 1000).strip()}{ENDS.get(unit, '')}"


def _scaled(value: float, steps: Sequence[str], base: int) -> str:
    index = 0
    while abs(value) >= base and index < len(steps) - 1:
        value, index = value / base, index + 1
    step = steps[index]
    gap = " " if step in BINARY else ""
    return f"{_short(value)}{gap}{step}"


def _time(value: float) -> str:
    size = abs(value)
    if size >= 1 or size == 0:
        length, name = next((entry for entry in TIMES if size >= entry[0]), TIMES[-1])
        return f"{_short(value / length)} {name}"
    if size >= 1e-3:
        return f"{_short(value * 1e3)} ms"
    return f"{_short(value * 1e6)} µs"


def _short(value: float) -> str:
    """Return at most three significant digits, without trailing zeros."""
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{float(text):g}"
