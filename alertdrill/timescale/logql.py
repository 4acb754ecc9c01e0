"""Find the durations in LogQL that are about time, and nothing that only looks like one. Pure."""

from __future__ import annotations

import re

from . import durations
from .errors import TimescaleError

# What comes first wins, so the order matters. A duration elsewhere is compared with a field of a
# line, which the world has written at its own pace.
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

    Raises `TimescaleError` for a range that is no duration.
    """

    def scaled(token: re.Match[str]) -> str:
        if token["moved"]:
            return token["offset"] + durations.scale(token["moved"], speed)
        return _range(token["range"], speed) if token["range"] is not None else token[0]

    return TOKEN.sub(scaled, expression)


def _range(text: str, speed: float) -> str:
    if not durations.DURATION.fullmatch(text.strip()):
        raise TimescaleError(f"[{text}] is no duration: write one with its unit, such as [5m].")
    return f"[{durations.scale(text.strip(), speed)}]"
