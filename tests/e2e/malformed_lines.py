"""Lines that break naive log pipelines, and the records that each must produce."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.log_pipeline import contract, line

MIB = 2**20


@dataclass(frozen=True)
class Case:
    """The output of a program, and the messages and fields that it must produce."""

    content: bytes
    messages: Sequence[str]
    fields: Mapping[str, str] = field(default_factory=dict)


def unstructured(content: bytes) -> Case:
    """Return a case of unstructured lines: each is kept unchanged, except invalid UTF-8."""
    lines = content.decode(errors="replace").split("\n")
    return Case(content, [text for text in lines if text], {"level": "UNKNOWN"})


def structured(
    message: str = "a message", fields: Mapping[str, str] | None = None, **more: Any
) -> Case:
    """Return a case of a line in the form of the contract."""
    return Case(line(message=message, **more), [message], fields or {})


def raw(tail: str) -> bytes:
    """Return a line of the contract that ends with this JSON text, which may be invalid."""
    return json.dumps(contract()).encode()[:-1] + f", {tail}}}\n".encode()


def days(count: float) -> str:
    """Return the time COUNT days from now, in the form of a line."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + count * 86400))


def with_time(moment: str) -> Case:
    """Return a line with a time that Loki would refuse: the time is kept as a field."""
    return structured(timestamp=moment, fields={"timestamp": moment, "level": "INFO"})


def nested(depth: int) -> str:
    """Return JSON that is nested to this depth."""
    return '{"a":' * depth + "1" + "}" * depth


def cases() -> dict[str, Case]:
    """Return every case by its name, which is also the service that writes it."""
    many: Any = {f"f{number}": number for number in range(3000)}
    long: Any = {"k" * 20_000: 1}
    return {
        "long": unstructured(b"x" * MIB + b" end\n"),
        "long-json": unstructured(line(message="m" * MIB)),
        "longest-whole": structured("m" * (250 * 1024)),
        "broken-utf": unstructured(b"caf\xff\xfe\x80 end\n"),
        "broken-utf-long": unstructured(b"\xff" * 20_000 + b"\n"),
        "deep": unstructured(nested(1000).encode() + b"\n"),
        "deep-field": unstructured(raw(f'"x": {nested(1000)}')),
        "deep-list": Case(raw(f'"x": {"[" * 1000}{"]" * 1000}'), ["a line"]),
        "future": with_time("2099-01-01T00:00:00.000Z"),
        "tomorrow": with_time(days(1)),
        "seventies": with_time("1970-01-01T00:00:00.000Z"),
        "before-retention": with_time(days(-10)),
        "year-zero": with_time("0000-01-01T00:00:00.000Z"),
        "year-last": with_time("9999-12-31T23:59:59.999Z"),
        "no-such-day": with_time(time.strftime("%Y-02-30T00:00:00.000Z")),
        "forged": structured(
            service="data-service",
            instance="data-service-7",
            fields={"service_extracted": "data-service", "instance_extracted": "data-service-7"},
        ),
        "forged-long": structured(service="s" * 3000, fields={"service_extracted": "s" * 3000}),
        "forged-empty": structured(instance="", fields={"instance_extracted": ""}),
        "forged-query": structured(
            service='web",level="x', fields={"service_extracted": 'web",level="x'}
        ),
        "forged-level": structured(
            level="PWNED", fields={"level": "UNKNOWN", "level_extracted": "PWNED"}
        ),
        "odd-names": unstructured(line(**{"__name__": "x", "a b": "y"})),
        "reserved-names": structured(
            service_name="evil", detected_level="x", fields={"level": "INFO"}
        ),
        "loki-error": unstructured(line(__error__="JSONParserErr")),
        "ansi": structured("\x1b[31mred\x1b[0m\x1b]0;title\x07"),
        "ansi-plain": unstructured(b"\x1b[31mred\x1b[0m\x1b[2J\n"),
        "plain": unstructured(b"just text\n"),
        "traceback": unstructured(
            b'Traceback:\n  File "x.py", line 1\n    1/0\nZeroDivisionError\n'
        ),
        "blank": unstructured(b"   \n"),
        "nul": unstructured(b"nul \x00 byte\n"),
        "nul-ours": structured("nul \x00 byte"),
        "overflow": unstructured(raw('"n": 1e999')),
        "overflow-int": Case(raw('"n": 18446744073709551616'), ["a line"]),
        "not-a-number": unstructured(raw('"n": NaN')),
        "doubled-keys": Case(raw('"message": "second"'), ["second"]),
        "two-in-one": unstructured(line(message="one")[:-1] + line(message="two")),
        "trailing": unstructured(line()[:-1] + b" rest\n"),
        "braces": structured("a} b {c} }d", path="/{x}y"),
        "many-fields": structured(fields={"f2999": "2999"}, **many),
        "long-name": structured(**long),
        "no-message": unstructured(line(message=None)),
        "empty-message": structured(""),
        "lone-surrogate": Case(raw(r'"message": "a \ud800 b"'), ["a � b"]),
        "list": unstructured(b"[1,2,3]\n"),
        "brace": unstructured(b"{\n"),
        "half": unstructured(b"half a line"),
    }
