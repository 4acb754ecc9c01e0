"""The files of a report: HTML for people, JSON for programs, JUnit XML for CI servers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from pydantic_core import to_json

# Each unit with the power of a thousand that it stands for.
UNITS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
MISSING, TIMES, MINUS = "\u2013", "\u00d7", "\u2212"


def seconds(value: float | None) -> str:
    """Return seconds with one decimal: at speed 12 scrapes are tenths of a second apart."""
    return MISSING if value is None else f"{value:.1f}"


def milliseconds(value: float | None) -> str:
    """Return seconds as milliseconds."""
    return MISSING if value is None else f"{value * 1000:,.0f} ms"


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
    sizes = (unit for unit in UNITS if max(unit[0], 1e4) <= abs(value) < math.inf)
    size, unit = next(sizes, (1.0, ""))
    return f"{value / size:.4g}{unit}".replace("-", MINUS)


def count(amount: int, noun: str, plural: str = "") -> str:
    """Return an amount with its noun, such as `1 drill` or `2 drills`."""
    return f"{amount} {noun if amount == 1 else plural or noun + 's'}"


TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters.update(
    seconds=seconds,
    milliseconds=milliseconds,
    ratio=ratio,
    duration=duration,
    utc_time=utc_time,
    count=count,
)


def write_files(folder: Path, page: str, document: Mapping[str, Any], junit: str) -> Path:
    """Write index.html, report.json and junit.xml into a folder; return the page.

    Numbers of the document that are not finite become null.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "index.html"
    file.write_text(page, encoding="utf-8")
    (folder / "report.json").write_bytes(to_json(document, inf_nan_mode="null") + b"\n")
    (folder / "junit.xml").write_text(junit, encoding="utf-8")
    return file
