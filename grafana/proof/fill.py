"""Fill the variables of a text, as Grafana does before it asks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .dashboard import Variable
from .quote import Quote, Values, named

# `$name`, `[[name:format]]`, `${name.field:format}`: Grafana's own expression.
REFERENCE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.[^:^}]+)?(?::([^}]+))?\}")


@dataclass(frozen=True)
class Chosen:
    """What is chosen of a variable. Where `is_all` is true its `all_value`, if any, is written."""

    variable: Variable
    values: Values
    is_all: bool = False


Choice = Mapping[str, Chosen]


def fill(text: str, choice: Choice, quote: Quote) -> str:
    """Return a text with the chosen values; a name that is no variable stays, as in Grafana."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        form = found[3] or found[5]
        if name not in choice:
            return found[0]
        return _write(choice[name], named(form) if form else quote)

    return REFERENCE.sub(value, text)


def _write(chosen: Chosen, quote: Quote) -> str:
    if chosen.is_all and chosen.variable.all_value:
        return chosen.variable.all_value
    return quote(chosen.values, chosen.variable.several) if chosen.values else ""


def built_in(text: str, values: Mapping[str, str]) -> str:
    """Return a text with Grafana's own variables, such as `$__range`."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1] or found[2] or found[4], found[0])

    return REFERENCE.sub(value, text)
