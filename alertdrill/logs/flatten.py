"""Flatten the fields of a log line as Loki does: one level deep, all text. Pure.

The collector and Loki write values as OpenTelemetry does (attributes "as string"). Lines from files
are written alike, so that both sources give the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# Numbers outside these bounds have an exponent (ECMAScript's Number to String).
SMALLEST, LARGEST = 1e-6, 1e21
# Integers have 64 bits.
LIMIT = 2**63
# Go's encoding/json escapes these in strings.
ESCAPES = {
    **{char: f"\\u{ord(char):04x}" for char in map(chr, range(32))},
    **{char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"},
    **{"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"},
}


def flatten(line: Mapping[str, Any]) -> dict[str, str]:
    """Return the non-empty fields of a JSON object as text.

    Fields of an inner object get both names, as in `exception_type`.
    """
    flat: dict[str, str] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{key}": attribute_text(value[key]) for key in value}
        else:
            flat[name] = attribute_text(value)
    # Loki's names have no dots, as in Prometheus.
    return {name.replace(".", "_"): text for name, text in flat.items() if text}


def attribute_text(value: Any) -> str:
    """Return a value as text; None is the empty text."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def _json(value: Any) -> str:
    if isinstance(value, str):
        return f'"{"".join(ESCAPES.get(char, char) for char in value)}"'
    if isinstance(value, dict):
        return f"{{{','.join(f'{_json(key)}:{_json(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, float) or (type(value) is int and not -LIMIT <= value < LIMIT):
        return _number(float(value))
    return {None: "null", True: "true", False: "false"}[value] if _is_word(value) else str(value)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _number(value: float) -> str:
    if value and not SMALLEST <= abs(value) < LARGEST:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return format(Decimal(repr(value)), "f").removesuffix(".0")
