"""Parse a line of a log file, or of Loki. Pure.

Both must agree: `loki/collector.yml` decides what is a structured line in Loki, this module decides
it for files, and a test compares them. The collector and Loki write values as OpenTelemetry does
(attributes "as string"): one level deep, all text. Lines from files are written alike.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
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
# The names of the time field in other programs' lines.
TIME_FIELDS = ("time", "ts", "t")
# Nanoseconds in a millisecond; the remainder of Loki's time is the line's position in its file.
MS_NS = 1_000_000
# Numbers outside these bounds have an exponent (ECMAScript's Number to String).
SMALLEST, LARGEST = 1e-6, 1e21
# Integers have 64 bits; others become floating-point numbers.
LIMIT = 2**63
# Go's encoding/json escapes these in strings, besides those that Python's does.
ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
# Most lines have the same names.
is_name = lru_cache(1024)(re.compile(NAME).fullmatch)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not valid JSON")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _int(text: str) -> float:
    number = int(text)
    return number if -LIMIT <= number < LIMIT else _float(text)


DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_float, parse_int=_int)


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a log line; None if the line is anything else."""
    try:
        return DECODER.decode(text) if text.startswith("{") else None
    except (ValueError, RecursionError):  # plain text, an incomplete line, nested brackets
        return None


def parse_file_line(instance: str, text: str, at: int, place: int = 0) -> LogRecord:
    """Parse a line of an instance's file; any text is accepted.

    An unstructured line without a time gets `at`.
    """
    line = parse_object(text) or {}
    owner = {"service": re.sub(r"-\d+$", "", instance), "instance": instance}
    moment = _milliseconds(line["timestamp"]) if _is_structured(line) else None
    if moment is None:
        times = [line[name] for name in TIME_FIELDS if name in line]
        at = (_milliseconds(times[0]) if times else None) or at
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


def _is_structured(line: Mapping[str, Any]) -> bool:
    inner = [value for value in line.values() if isinstance(value, dict)]
    return (
        all(isinstance(line.get(name), str) for name in REQUIRED_FIELDS)
        and re.fullmatch(TIMESTAMP, line["timestamp"], re.ASCII) is not None
        and all(is_name(name) for names in (line, *inner) for name in names)
        and not any(isinstance(value, dict) for values in inner for value in values.values())
    )


def _milliseconds(moment: Any) -> int | None:
    """Return a time, in seconds since 1970 or as ISO 8601, in milliseconds; None for any other."""
    with suppress(TypeError, ValueError, OverflowError):  # also the 31st of June
        seconds = (
            moment if isinstance(moment, float) else datetime.fromisoformat(moment).timestamp()
        )
        return round(seconds * 1000)
    return None


def flatten(line: Mapping[str, Any]) -> dict[str, str]:
    """Return the non-empty fields of a JSON object as text.

    Fields of an inner object get both names, as in `exception_type`.
    """
    flat: dict[str, str] = {}
    for name, value in line.items():
        inner = value if isinstance(value, dict) else {"": value}
        flat |= {f"{name}_{key}" if key else name: attribute_text(inner[key]) for key in inner}
    # Loki's names have no dots, as in Prometheus.
    return {name.replace(".", "_"): text for name, text in flat.items() if text}


def attribute_text(value: Any) -> str:
    """Return a value as text; None is the empty text."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def _json(value: Any) -> str:
    """Return a value as Go's encoding/json writes it."""
    if isinstance(value, dict):
        return f"{{{','.join(f'{_json(key)}:{_json(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).translate(ESCAPES)
    if value and not SMALLEST <= abs(value) < LARGEST:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent):+d}"
    return format(Decimal(repr(value)), "f").removesuffix(".0")
