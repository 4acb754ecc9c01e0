"""Interpolate variables in a query, with their values formatted as in Grafana 12.

As in escaping.ts of its Prometheus data source and languageUtils.ts of its Loki data source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .dashboard_file import QueryCheckError, Variable

# `$name`, `${name}` and `${name:format}`; no dashboard of ours needs the other spellings.
REFERENCE = re.compile(r"\$(\w+)|\$\{(\w+)(:\w+)?\}")


@dataclass(frozen=True)
class SelectedValue:
    """The selected values of a variable. With `is_all`, its `all_value`, if any, is used."""

    variable: Variable
    values: Sequence[str]
    is_all: bool = False


SelectedValues = Mapping[str, SelectedValue]


def interpolate(text: str, selected_values: SelectedValues, source_kind: str) -> str:
    """Return a query with the selected values; unknown names stay, as in Grafana."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in selected_values:
            return match[0]
        if match[3]:
            raise QueryCheckError(f"unsupported format {match[0]}: write ${name}")
        selected = selected_values[name]
        if selected.is_all and selected.variable.all_value:
            return selected.variable.all_value
        return format_values(selected.values, selected.variable.several, source_kind)

    return REFERENCE.sub(value, text)


def format_values(values: Sequence[str], several: bool, source_kind: str) -> str:
    """Return values for a query: escaped, and a regex if the variable may have several."""
    if not values:
        return ""
    is_loki = source_kind == "loki"
    if not several:
        escaped = values[0].replace("\\", "\\\\").replace("'", "\\\\'")
        return escaped.replace('"', '\\"') if is_loki else escaped
    special = r"[$^*{}\[\]+?.()|']" if is_loki else r"[$^*{}\[\]+?.()|]"
    # Escaped twice: for the regex and for the string that contains it.
    alternatives = "|".join(
        re.sub(special, r"\\\\\g<0>", value.replace("\\", "\\\\\\\\")) for value in values
    )
    return alternatives if is_loki or len(values) == 1 else f"({alternatives})"


def interpolate_builtins(text: str, values: Mapping[str, str]) -> str:
    """Return a text with Grafana's built-in variables, such as `$__range`."""
    return REFERENCE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)
