"""Divide the durations of a configuration by the speed; every other byte stays. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import yaml

from ..config import durations
from . import TimescaleError
from .expressions import scale_logql, scale_promql

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
# Below 1 waits would grow. At 1000 a scrape interval of 5 s becomes 5 ms, which is too short.
MIN_SPEED, MAX_SPEED = 1.0, 1000.0
# PyYAML's binding to libyaml, 25 times as fast as its Python; not every wheel has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ExpressionScaler = Callable[[str, float], str]
# The values below these keys are text, never durations.
FREE_TEXT_KEYS = frozenset({"annotations", "external_labels", "labels", "params"})
# An anchor or a tag precedes its value.
PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")


class Scalar(NamedTuple):
    """A value with its key; `text[begin:end]` is its source text."""

    begin: int
    end: int
    key: str
    node: yaml.ScalarNode


def expression_scaler(path: str) -> ExpressionScaler:
    """Return the scaler of a file's expressions: LogQL's below loki/, else PromQL's."""
    return scale_logql if path.startswith("loki/") else scale_promql


def check_speed(speed: float) -> None:
    """Raise `TimescaleError` unless the speed is from 1 to 1000."""
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise TimescaleError(
            f"speed {speed:g} is out of range: use {MIN_SPEED:g} (real time) to {MAX_SPEED:g}."
        )


def render(text: str, speed: float, scale: ExpressionScaler = scale_promql) -> str:
    """Return a configuration whose durations are divided by `speed`, from 1 to 1000.

    Durations become integer milliseconds, at least one (5s at speed 12 is 417ms). Speed 1 changes
    nothing. `scale` handles expressions. Raises `TimescaleError` for an invalid speed or text.
    """
    check_speed(speed)
    if speed == 1:
        return text
    pieces, done = [], 0
    for scalar in scalars(text):
        pieces += [text[done : scalar.begin], _scaled(scalar, text, (speed, scale))]
        done = scalar.end
    return "".join([*pieces, text[done:]])


def scalars(text: str) -> list[Scalar]:
    """Return the values of a configuration that may be settings, in order."""
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise TimescaleError(f"the configuration is not valid YAML: {problem}") from None
    # An alias has the position of its anchor, so it counts once.
    scalars = {scalar.begin: scalar for scalar in _walk(root, "")}
    return [scalars[begin] for begin in sorted(scalars)]


def _walk(node: yaml.Node | None, key: str) -> Iterator[Scalar]:
    match node:
        case yaml.ScalarNode():
            yield Scalar(node.start_mark.index, node.end_mark.index, key, node)
        case yaml.SequenceNode(value=items):
            for item in items:
                yield from _walk(item, key)
        case yaml.MappingNode(value=pairs):
            for name, value in pairs:
                if name.value not in FREE_TEXT_KEYS:
                    yield from _walk(value, str(name.value))


def _scaled(scalar: Scalar, text: str, how: tuple[float, ExpressionScaler]) -> str:
    written = text[scalar.begin : scalar.end]
    if scalar.key != EXPRESSION and scalar.key not in DURATION_KEYS:
        return written
    before = PROPERTIES.match(written)
    begin, end = before.end() if before else 0, len(written)
    if scalar.node.style in ("'", '"'):
        begin, end = begin + 1, end - 1
        if written[begin:end] != scalar.node.value:
            raise TimescaleError(
                f"line {scalar.node.start_mark.line + 1} has escaped quotes:"
                f" write `{scalar.key}` as a block after `|`."
            )
    return written[:begin] + _divided(scalar.key, written[begin:end], how) + written[end:]


def _divided(key: str, value: str, how: tuple[float, ExpressionScaler]) -> str:
    speed, scale = how
    if key == EXPRESSION:
        return scale(value, speed)
    return durations.divide(value, speed) if durations.DURATION.fullmatch(value) else value
