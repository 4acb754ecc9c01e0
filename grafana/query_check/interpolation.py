"""Interpolate variables in a text, with their values formatted as in Grafana.

The formats are those of Grafana 12: escaping.ts of its Prometheus data source, languageUtils.ts of
its Loki data source, and the formats of `${name:format}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote as percent

from .dashboard_file import QueryCheckError, Variable

Values = Sequence[str]
# Formats values; the second argument is whether the variable may have several.
ValueFormat = Callable[[Values, bool], str]
# `$name`, `[[name:format]]`, `${name.field:format}`: the expression in Grafana's code.
REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}")


def glob(values: Values, _several: bool) -> str:
    """Return values in the format of titles and links."""
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def prometheus(values: Values, several: bool) -> str:
    """Return values for a Prometheus query: a regex in parentheses if there are several."""
    if not several:
        return values[0].replace("\\", "\\\\").replace("'", "\\\\'")
    escaped = [_special(value, r"[$^*{}\[\]+?.()|]") for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def loki(values: Values, several: bool) -> str:
    """Return values for a Loki query: a regex without parentheses if there are several."""
    if not several:
        return values[0].replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\\\'")
    return "|".join(_special(value, r"[$^*{}\[\]'+?.()|]") for value in values)


def of_source(kind: str) -> ValueFormat:
    """Return the format of the values in queries of a kind of data source."""
    return loki if kind == "loki" else prometheus


def _special(value: str, characters: str) -> str:
    """Escape twice: for the regex and for the string that contains it."""
    return re.sub(characters, r"\\\\\g<0>", value.replace("\\", "\\\\\\\\"))


def _regex(values: Values, _several: bool) -> str:
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}\/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _json(values: Values, several: bool) -> str:
    return json.dumps(list(values) if several else values[0], separators=(",", ":"))


FORMATS: dict[str, ValueFormat] = {
    "glob": glob,
    "regex": _regex,
    "pipe": lambda values, _: "|".join(values),
    "csv": lambda values, _: ",".join(values),
    "raw": lambda values, _: ",".join(values),
    "json": _json,
    "singlequote": lambda values, _: ",".join(_quoted(value, "'") for value in values),
    "doublequote": lambda values, _: ",".join(_quoted(value, '"') for value in values),
    "text": lambda values, _: " + ".join(values),
    "percentencode": lambda values, several: percent(glob(values, several), safe=""),
}


def _quoted(value: str, quote: str) -> str:
    escaped = value.replace(quote, rf"\{quote}")
    return f"{quote}{escaped}{quote}"


def format_named(name: str) -> ValueFormat:
    """Return a format by name; raise `QueryCheckError` for an unknown one."""
    if name not in FORMATS:
        raise QueryCheckError(f"unknown format :{name}: known formats are {', '.join(FORMATS)}")
    return FORMATS[name]


@dataclass(frozen=True)
class SelectedValue:
    """The selected values of a variable. With `is_all`, its `all_value`, if any, is used."""

    variable: Variable
    values: Values
    is_all: bool = False


SelectedValues = Mapping[str, SelectedValue]


def interpolate(text: str, selected_values: SelectedValues, value_format: ValueFormat) -> str:
    """Return a text with the selected values; unknown names stay, as in Grafana."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[4]
        form = match[3] or match[5]
        if name not in selected_values:
            return match[0]
        selected = selected_values[name]
        if selected.is_all and selected.variable.all_value:
            return selected.variable.all_value
        write = format_named(form) if form else value_format
        return write(selected.values, selected.variable.several) if selected.values else ""

    return REFERENCE.sub(value, text)


def interpolate_builtins(text: str, values: Mapping[str, str]) -> str:
    """Return a text with Grafana's built-in variables, such as `$__range`."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2] or match[4], match[0])

    return REFERENCE.sub(value, text)
