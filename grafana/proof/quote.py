"""How Grafana writes the values of a variable into a text.

Each format is that of Grafana 12: escaping.ts of its Prometheus data source, languageUtils.ts of
its Loki one, and the formats that `${name:format}` asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote as percent

from .errors import ProofError

Values = Sequence[str]
# Returns the text for values; the second is whether the variable may have several.
Quote = Callable[[Values, bool], str]


def glob(values: Values, _several: bool) -> str:
    """Return values as titles and links have them."""
    return values[0] if len(values) == 1 else "{" + ",".join(values) + "}"


def prometheus(values: Values, several: bool) -> str:
    """Return values for a query of Prometheus: a regex in brackets where there are several."""
    if not several:
        return values[0].replace("\\", "\\\\").replace("'", "\\\\'")
    escaped = [_special(value, r"[$^*{}\[\]+?.()|]") for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def loki(values: Values, several: bool) -> str:
    """Return values for a query of Loki: a regex without brackets where there are several."""
    if not several:
        return values[0].replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\\\'")
    return "|".join(_special(value, r"[$^*{}\[\]'+?.()|]") for value in values)


def _special(value: str, characters: str) -> str:
    """Escape twice: once for the regex, once for the string that it is in."""
    return re.sub(characters, r"\\\\\g<0>", value.replace("\\", "\\\\\\\\"))


def _regex(values: Values, _several: bool) -> str:
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}\/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _json(values: Values, several: bool) -> str:
    return json.dumps(list(values) if several else values[0], separators=(",", ":"))


FORMATS: dict[str, Quote] = {
    "glob": glob,
    "regex": _regex,
    "pipe": lambda values, _: "|".join(values),
    "csv": lambda values, _: ",".join(values),
    "raw": lambda values, _: ",".join(values),
    "json": _json,
    "singlequote": lambda values, _: ",".join(f"'{_slashed(one, chr(39))}'" for one in values),
    "doublequote": lambda values, _: ",".join(f'"{_slashed(one, chr(34))}"' for one in values),
    "text": lambda values, _: " + ".join(values),
    "percentencode": lambda values, several: percent(glob(values, several), safe=""),
}


def _slashed(value: str, character: str) -> str:
    return value.replace(character, f"\\{character}")


def named(name: str) -> Quote:
    """Return the format of a name; raise `ProofError` for one that is not known here."""
    if name not in FORMATS:
        raise ProofError(f"The format :{name} is not known: take one of {', '.join(FORMATS)}.")
    return FORMATS[name]
