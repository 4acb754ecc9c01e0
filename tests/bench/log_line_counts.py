"""The lines of the log files and of Loki, with their counts."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from alertdrill.clients.loki import Loki
from tests.e2e.stack import whole_log

# The identity of a line: its instance, and for a line of the log contract its time in ms and these.
FIELDS = ("level", "logger", "message", "request_id", "span_id", "trace_id")
Line = tuple[str, ...]
HOUR = 3600 * 10**9
# An unstructured line has no time of its own.
UNSTRUCTURED = "unstructured"


def in_files(logs: Path) -> Counter[Line]:
    """Return every line of the files that the collector reads."""
    files = [file for file in logs.glob("*.jsonl") if not file.name.startswith("collector-")]
    return Counter(
        _parse_file_line(file.name.removesuffix(".jsonl"), line)
        for file in files
        for line in whole_log(file).split("\n")
        if line
    )


def _parse_file_line(instance: str, line: str) -> Line:
    try:
        fields = json.loads(line)
    except ValueError:
        return instance, UNSTRUCTURED, line
    if not isinstance(fields, dict) or not {"timestamp", "request_id"} <= fields.keys():
        return instance, UNSTRUCTURED, line
    return instance, fields["timestamp"], *(_text(fields, name) for name in FIELDS)


def in_loki(store: Loki) -> Counter[Line]:
    """Return every line of the last hours in Loki."""
    now = time.time_ns()
    lines = store.every('{service=~".+"}', (now - 6 * HOUR, now + HOUR))
    return Counter(_parse_loki_line(line.at, line.message, line.fields) for line in lines)


def _parse_loki_line(at: int, message: str, fields: Mapping[str, str]) -> Line:
    if "request_id" not in fields:
        return fields["instance"], UNSTRUCTURED, message
    second, nanoseconds = divmod(at, 10**9)
    second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    named = {**fields, "message": message}
    values = (_text(named, name) for name in FIELDS)
    return fields["instance"], f"{second_text}.{nanoseconds // 10**6:03}Z", *values


def _text(fields: Mapping[str, object], name: str) -> str:
    """Return a field as text; Loki omits null fields."""
    return str(fields.get(name) or "")
