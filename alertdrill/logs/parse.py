"""Parse a line of a log file, or of Loki. Pure.

Both must agree: `loki/collector.yml` decides what is a structured line in Loki, this module decides
it for files, and a test compares them. The collector and Loki write values as OpenTelemetry does
(attributes "as string"): one level deep, all text. Lines from files are written alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from ..clients.loki import LokiLine
from .record import LEVELS, UNKNOWN, LogRecord

TIMESTAMP = r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z"
NAME = r"[A-Za-z][A-Za-z0-9_.]*"
REQUIRED_FIELDS = ("timestamp", "level", "message", "service", "instance")
# Fields that Loki adds to an OpenTelemetry record; they replace a line's fields of these names.
OTEL_FIELDS = ("observed_timestamp", "severity_number", "severity_text")
# Nanoseconds in a millisecond; the remainder of Loki's time is the line's position in its file.
MS_NS = 1_000_000
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


def parse_file_line(instance: str, text: str, at: int, place: int = 0) -> LogRecord:
    """Parse a line of an instance's file; any text is accepted.

    An unstructured line has no time, so it gets `at`.
    """
    line = _parsed(text)
    owner = {"service": re.sub(r"-\d+$", "", instance), "instance": instance}
    moment = _moment(line["timestamp"]) if line is not None and _is_contract(line) else None
    if line is None or moment is None:
        return LogRecord(at, text, {**owner, "level": UNKNOWN}, unstructured=True, position=place)
    apart = ("timestamp", "message", *owner, *OTEL_FIELDS)
    rest = {name: line[name] for name in line if name not in apart}
    # A wrong service or instance becomes a field, named as in Loki.
    claims = {f"{name}_extracted": line[name] for name in owner if line[name] != owner[name]}
    fields = {"level": UNKNOWN, **flatten({**rest, **claims}), **owner}
    return LogRecord(moment, line["message"], fields, position=place)


def parse_loki_line(line: LokiLine) -> LogRecord:
    """Parse a line from Loki."""
    fields = {name: text for name, text in line.fields.items() if name not in OTEL_FIELDS and text}
    at, place = divmod(line.at, MS_NS)
    if fields.get("level") in LEVELS:
        return LogRecord(at, line.message, fields, position=place)
    # A non-standard level is a field beside the label.
    own = fields.pop("level_extracted", None)
    fields["level"] = own or UNKNOWN
    return LogRecord(at, line.message, fields, unstructured=own is None, position=place)


def _parsed(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        line = DECODER.decode(text)
    except (ValueError, RecursionError):  # RecursionError: deeply nested brackets
        return None
    return line if isinstance(line, dict) else None


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not valid JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)


def _is_contract(line: dict[str, Any]) -> bool:
    return (
        all(isinstance(line.get(name), str) for name in REQUIRED_FIELDS)
        and re.fullmatch(TIMESTAMP, line["timestamp"], re.ASCII) is not None
        and all(map(_is_name, line))
        and all(map(_is_flat, line.values()))
    )


@lru_cache(1024)  # most lines have the same names
def _is_name(name: str) -> bool:
    return re.fullmatch(NAME, name) is not None


def _is_flat(value: Any) -> bool:
    """Return whether a value is at most one level deep."""
    return not isinstance(value, dict) or (
        all(map(_is_name, value)) and not any(isinstance(inner, dict) for inner in value.values())
    )


def _moment(timestamp: str) -> int | None:
    try:
        seconds = datetime.fromisoformat(timestamp[:19]).replace(tzinfo=UTC)
    except ValueError:  # the 31st of June
        return None
    return int(seconds.timestamp()) * 1000 + int(timestamp[20:23])


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
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _number(value: float) -> str:
    if value and not SMALLEST <= abs(value) < LARGEST:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return format(Decimal(repr(value)), "f").removesuffix(".0")
