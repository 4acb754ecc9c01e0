"""Format the values of a variable as Grafana does.

The formats are those of Grafana 12: escaping.ts of its Prometheus data source, languageUtils.ts of
its Loki data source, and the formats of `${name:format}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote as percent

from .errors import QueryCheckError

Values = Sequence[str]
# Formats values; the second argument is whether the variable may have several.
ValueFormat = Callable[[Values, bool], str]


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
    "singlequote": lambda values, _: ",".join(
        f"'{_backslashed(value, chr(39))}'" for value in values
    ),
    "doublequote": lambda values, _: ",".join(
        f'"{_backslashed(value, chr(34))}"' for value in values
    ),
    "text": lambda values, _: " + ".join(values),
    "percentencode": lambda values, several: percent(glob(values, several), safe=""),
}


def _backslashed(value: str, character: str) -> str:
    return value.replace(character, f"\\{character}")


def format_named(name: str) -> ValueFormat:
    """Return a format by name; raise `QueryCheckError` for an unknown one."""
    if name not in FORMATS:
        raise QueryCheckError(f"unknown format :{name}: known formats are {', '.join(FORMATS)}")
    return FORMATS[name]
