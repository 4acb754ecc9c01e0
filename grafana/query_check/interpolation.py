"""Interpolate variables in a text, as Grafana does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .dashboard_file import Variable
from .value_formats import ValueFormat, Values, format_named

# `$name`, `[[name:format]]`, `${name.field:format}`: the expression in Grafana's code.
REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}")


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
        return _write(selected_values[name], format_named(form) if form else value_format)

    return REFERENCE.sub(value, text)


def _write(selected: SelectedValue, value_format: ValueFormat) -> str:
    if selected.is_all and selected.variable.all_value:
        return selected.variable.all_value
    return value_format(selected.values, selected.variable.several) if selected.values else ""


def interpolate_builtins(text: str, values: Mapping[str, str]) -> str:
    """Return a text with Grafana's built-in variables, such as `$__range`."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[2] or match[4], match[0])

    return REFERENCE.sub(value, text)
