"""Scale the durations in PromQL expressions. Pure."""

from __future__ import annotations

import re

from ..config import durations
from . import TimescaleError

# https://github.com/prometheus/prometheus/blob/main/promql/parser/lex.go, as far as it is needed
# to recognize durations. The first alternative wins.
TOKEN = re.compile(
    rf"""
    (?P<text> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | (?P<range> \[ [^\]]* \] )
    | (?P<name> [A-Za-z_:][A-Za-z0-9_:]* )
    | (?P<hexadecimal> 0[xX][0-9A-Fa-f_]+ )
    | (?P<duration> {durations.DURATION.pattern} (?![A-Za-z0-9_]) )
    | (?P<number> (?: [0-9][0-9_]*\.?[0-9_]* | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    """,
    re.VERBOSE | re.DOTALL,
)
# A range in plain numbers means seconds, which would not be scaled.
SECONDS = re.compile(r"(?<![\w.])[0-9.]+(?![\w.])")


def scale(expression: str, speed: float) -> str:
    """Divide the ranges, steps, offsets and duration literals of an expression by the speed.

    Raises `TimescaleError` for a range in plain numbers.
    """

    def scaled(token: re.Match[str]) -> str:
        if token["range"]:
            return _range(token["range"], speed)
        return durations.divide(token["duration"], speed) if token["duration"] else token[0]

    return TOKEN.sub(scaled, expression)


def _range(text: str, speed: float) -> str:
    if SECONDS.search(text):
        raise TimescaleError(f"{text} has no unit: use one, such as [5m].")
    return durations.DURATION.sub(lambda match: durations.divide(match[0], speed), text)
