"""Scale the durations in LogQL expressions. Pure."""

from __future__ import annotations

import re

from ..config import durations
from . import TimescaleError

# The first alternative wins. A duration elsewhere is compared with a line's field, so it stays.
TOKEN = re.compile(
    rf"""
    (?P<text> "(?:\\.|[^"\\])*" | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | \[ (?P<range> [^\]]* ) \]
    | (?P<offset> \b offset \s+ -? ) (?P<moved> {durations.DURATION.pattern} )
    """,
    re.VERBOSE | re.DOTALL,
)


def scale(expression: str, speed: float) -> str:
    """Divide the ranges and offsets of an expression by the speed.

    Raises `TimescaleError` for a range that is not a duration.
    """

    def scaled(token: re.Match[str]) -> str:
        if token["moved"]:
            return token["offset"] + durations.divide(token["moved"], speed)
        return _range(token["range"], speed) if token["range"] is not None else token[0]

    return TOKEN.sub(scaled, expression)


def _range(text: str, speed: float) -> str:
    if not durations.DURATION.fullmatch(text.strip()):
        raise TimescaleError(f"[{text}] is not a duration: use a unit, such as [5m].")
    return f"[{durations.divide(text.strip(), speed)}]"
