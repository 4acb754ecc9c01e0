"""Divide the durations of configurations and expressions by the speed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import yaml

from ..config.durations import DURATION, divide
from ..errors import AlertdrillError

Language = Literal["promql", "logql"]
# The keys of Prometheus and Alertmanager with durations as values, from their documentation. A test
# fails if a configuration uses another one.
DURATION_KEYS = frozenset(
    {
        "evaluation_interval",
        "for",
        "group_interval",
        "group_wait",
        "interval",
        "keep_firing_for",
        "out_of_order_time_window",
        "query_offset",
        "refresh_interval",
        "repeat_interval",
        "resolve_timeout",
        "rule_query_offset",
        "scrape_interval",
        "scrape_timeout",
        "timeout",
    }
)
EXPRESSION = "expr"
# The values below these keys are text, never durations.
FREE_TEXT_KEYS = frozenset({"annotations", "external_labels", "labels", "params"})
# Below 1 waits would grow. At 1000 a scrape interval of 5 s becomes 5 ms, which is too short.
MIN_SPEED, MAX_SPEED = 1.0, 1000.0
# PyYAML's binding to libyaml, 25 times as fast as its Python; not every wheel has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# https://github.com/prometheus/prometheus/blob/main/promql/parser/lex.go, as far as it is needed
# to recognize durations; it holds for LogQL too. The first alternative wins.
TOKEN = re.compile(
    rf"""
    (?P<text> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*` )
    | (?P<comment> \#[^\n]* )
    | (?P<range> \[ [^\]]* \] )
    | (?P<offset> \b offset \s+ -? )? (?P<duration> {DURATION.pattern} (?![A-Za-z0-9_]) )
    | (?P<name> [A-Za-z_:][A-Za-z0-9_:]* )
    | (?P<hexadecimal> 0[xX][0-9A-Fa-f_]+ )
    | (?P<number> (?: [0-9][0-9_]*\.?[0-9_]* | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    """,
    re.VERBOSE | re.DOTALL,
)
# A range in plain numbers means seconds, which would not be scaled.
SECONDS = re.compile(r"(?<![\w.])[0-9.]+(?![\w.])")


class TimescaleError(AlertdrillError):
    """The speed is invalid, or a configuration cannot be scaled."""


def check_speed(speed: float) -> None:
    """Raise `TimescaleError` unless the speed is from 1 to 1000."""
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise TimescaleError(
            f"speed {speed:g} is out of range: use {MIN_SPEED:g} (real time) to {MAX_SPEED:g}."
        )


def language_of(path: str) -> Language:
    """Return the language of a file's expressions: LogQL below loki/, else PromQL."""
    return "logql" if path.startswith("loki/") else "promql"


def render(text: str, speed: float, language: Language = "promql") -> str:
    """Return a configuration whose durations are divided by `speed`; every other byte stays.

    Durations become integer milliseconds, at least one (5s at speed 12 is 417ms). Raises
    `TimescaleError` for an invalid speed or text.
    """
    check_speed(speed)
    if speed == 1:
        return text
    pieces, done = [], 0
    for key, node in scalars(text):
        begin, end = node.start_mark.index, node.end_mark.index
        pieces += [text[done:begin], _scale_value(key, node, text[begin:end], speed, language)]
        done = end
    return "".join([*pieces, text[done:]])


def scalars(text: str) -> list[tuple[str, yaml.ScalarNode]]:
    """Return the values of a configuration that may be settings, each with its key, in order."""
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise TimescaleError(f"the configuration is not valid YAML: {problem}") from None
    # An alias has the position of its anchor, so it counts once.
    values = {value.start_mark.index: (key, value) for key, value in _walk(root, "")}
    return [values[begin] for begin in sorted(values)]


def _walk(node: yaml.Node | None, key: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    match node:
        case yaml.ScalarNode():
            yield key, node
        case yaml.SequenceNode(value=items):
            for item in items:
                yield from _walk(item, key)
        case yaml.MappingNode(value=pairs):
            for name, value in pairs:
                if name.value not in FREE_TEXT_KEYS:
                    yield from _walk(value, str(name.value))


def _scale_value(
    key: str, node: yaml.ScalarNode, written: str, speed: float, language: Language
) -> str:
    is_duration = key in DURATION_KEYS and DURATION.fullmatch(node.value)
    if not is_duration and (key != EXPRESSION or not node.value):
        return written
    if node.value in written:  # between quotes, or after an anchor or a tag
        head, value, tail = written.rpartition(node.value)
    elif node.style in ("'", '"'):
        raise TimescaleError(
            f"line {node.start_mark.line + 1} has escaped quotes:"
            f" write `{key}` as a block after `|`."
        )
    else:
        head, value, tail = "", written, ""
    return head + (divide(value, speed) if is_duration else scale(value, speed, language)) + tail


def scale(expression: str, speed: float, language: Language = "promql") -> str:
    """Divide the ranges and offsets of an expression by the speed, and PromQL's other durations.

    A duration elsewhere in LogQL is compared with a line's field, so it stays. Raises
    `TimescaleError` for a range that is not a duration.
    """
    is_logql = language == "logql"

    def scaled(token: re.Match[str]) -> str:
        span, duration = token["range"], token["duration"]
        if span:
            invalid = is_logql and not DURATION.fullmatch(span[1:-1].strip())
            if invalid or SECONDS.search(span):
                raise TimescaleError(f"{span} is not a duration: use a unit, such as [5m].")
            return DURATION.sub(lambda match: divide(match[0], speed), span)
        if not duration or (is_logql and not token["offset"]):
            return token[0]
        return token[0].removesuffix(duration) + divide(duration, speed)

    return TOKEN.sub(scaled, expression)
