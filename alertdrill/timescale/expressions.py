"""Scale the durations in expressions of PromQL and LogQL. Pure."""

from __future__ import annotations

import re

from ..config import durations
from . import TimescaleError

# https://github.com/prometheus/prometheus/blob/main/promql/parser/lex.go, as far as it is needed
# to recognize durations. The first alternative wins.
PROMQL_TOKEN = re.compile(
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
# The first alternative wins. A duration elsewhere is compared with a line's field, so it stays.
LOGQL_TOKEN = re.compile(
    rf"""
    (?P<text> "(?:\\.|[^"\\])*" | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | \[ (?P<range> [^\]]* ) \]
    | (?P<offset> \b offset \s+ -? ) (?P<moved> {durations.DURATION.pattern} )
    """,
    re.VERBOSE | re.DOTALL,
)


def scale_promql(expression: str, speed: float) -> str:
    """Divide the ranges, steps, offsets and duration literals of an expression by the speed.

    Raises `TimescaleError` for a range in plain numbers.
    """

    def scaled(token: re.Match[str]) -> str:
        if not token["range"]:
            return durations.divide(token["duration"], speed) if token["duration"] else token[0]
        if SECONDS.search(token["range"]):
            raise TimescaleError(f"{token['range']} has no unit: use one, such as [5m].")
        return durations.DURATION.sub(
            lambda match: durations.divide(match[0], speed), token["range"]
        )

    return PROMQL_TOKEN.sub(scaled, expression)


def scale_logql(expression: str, speed: float) -> str:
    """Divide the ranges and offsets of an expression by the speed.

    Raises `TimescaleError` for a range that is not a duration.
    """

    def scaled(token: re.Match[str]) -> str:
        if token["moved"]:
            return token["offset"] + durations.divide(token["moved"], speed)
        if token["range"] is None:
            return token[0]
        text = token["range"].strip()
        if not durations.DURATION.fullmatch(text):
            raise TimescaleError(f"[{token['range']}] is not a duration: use a unit, such as [5m].")
        return f"[{durations.divide(text, speed)}]"

    return LOGQL_TOKEN.sub(scaled, expression)
