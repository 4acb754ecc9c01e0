"""Lines that a log pipeline chokes on, and what must be found of each."""

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
    """What a program writes, the messages found of it in order, and fields that each has."""

    content: bytes
    found: Sequence[str]
    fields: Mapping[str, str] = field(default_factory=dict)


def as_it_is(content: bytes) -> Case:
    """Return a case of foreign lines: each is kept as it is, but for broken UTF-8."""
    lines = content.decode(errors="replace").split("\n")
    return Case(content, [text for text in lines if text], {"level": "UNKNOWN"})


def ours(message: str = "told", fields: Mapping[str, str] | None = None, **more: Any) -> Case:
    """Return a case of a line in our contract's form."""
    return Case(line(message=message, **more), [message], fields or {})


def raw(tail: str) -> bytes:
    """Return a line of the contract that ends with JSON as it is written here."""
    return json.dumps(contract()).encode()[:-1] + f", {tail}}}\n".encode()


def days(count: float) -> str:
    """Return the time so many days from now, as a line has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + count * 86400))


def claimed(moment: str) -> Case:
    """Return a line with a time that Loki would refuse: it keeps it as a field."""
    return ours(timestamp=moment, fields={"timestamp": moment, "level": "INFO"})


def nested(depth: int) -> str:
    """Return JSON that is so deep."""
    return '{"a":' * depth + "1" + "}" * depth


def cases() -> dict[str, Case]:
    """Return every case by its name, which is the service that writes it."""
    many: Any = {f"f{number}": number for number in range(3000)}
    long: Any = {"k" * 20_000: 1}
    return {
        "long": as_it_is(b"x" * MIB + b" end\n"),
        "long-json": as_it_is(line(message="m" * MIB)),
        "longest-whole": ours("m" * (250 * 1024)),
        "broken-utf": as_it_is(b"caf\xff\xfe\x80 end\n"),
        "broken-utf-long": as_it_is(b"\xff" * 20_000 + b"\n"),
        "deep": as_it_is(nested(1000).encode() + b"\n"),
        "deep-field": as_it_is(raw(f'"x": {nested(1000)}')),
        "deep-list": Case(raw(f'"x": {"[" * 1000}{"]" * 1000}'), ["a line"]),
        "future": claimed("2099-01-01T00:00:00.000Z"),
        "tomorrow": claimed(days(1)),
        "seventies": claimed("1970-01-01T00:00:00.000Z"),
        "before-retention": claimed(days(-10)),
        "year-zero": claimed("0000-01-01T00:00:00.000Z"),
        "year-last": claimed("9999-12-31T23:59:59.999Z"),
        "no-such-day": claimed(time.strftime("%Y-02-30T00:00:00.000Z")),
        "forged": ours(
            service="data-service",
            instance="data-service-7",
            fields={"service_extracted": "data-service", "instance_extracted": "data-service-7"},
        ),
        "forged-long": ours(service="s" * 3000, fields={"service_extracted": "s" * 3000}),
        "forged-empty": ours(instance="", fields={"instance_extracted": ""}),
        "forged-query": ours(
            service='web",level="x', fields={"service_extracted": 'web",level="x'}
        ),
        "forged-level": ours(
            level="PWNED", fields={"level": "UNKNOWN", "level_extracted": "PWNED"}
        ),
        "odd-names": as_it_is(line(**{"__name__": "x", "a b": "y"})),
        "reserved-names": ours(service_name="evil", detected_level="x", fields={"level": "INFO"}),
        "loki-error": as_it_is(line(__error__="JSONParserErr")),
        "ansi": ours("\x1b[31mred\x1b[0m\x1b]0;title\x07"),
        "ansi-plain": as_it_is(b"\x1b[31mred\x1b[0m\x1b[2J\n"),
        "plain": as_it_is(b"just text\n"),
        "traceback": as_it_is(b'Traceback:\n  File "x.py", line 1\n    1/0\nZeroDivisionError\n'),
        "blank": as_it_is(b"   \n"),
        "nul": as_it_is(b"nul \x00 byte\n"),
        "nul-ours": ours("nul \x00 byte"),
        "overflow": as_it_is(raw('"n": 1e999')),
        "overflow-int": Case(raw('"n": 18446744073709551616'), ["a line"]),
        "not-a-number": as_it_is(raw('"n": NaN')),
        "doubled-keys": Case(raw('"message": "second"'), ["second"]),
        "two-in-one": as_it_is(line(message="one")[:-1] + line(message="two")),
        "trailing": as_it_is(line()[:-1] + b" rest\n"),
        "braces": ours("a} b {c} }d", path="/{x}y"),
        "many-fields": ours(fields={"f2999": "2999"}, **many),
        "long-name": ours(**long),
        "no-message": as_it_is(line(message=None)),
        "empty-message": ours(""),
        "lone-surrogate": Case(raw(r'"message": "a \ud800 b"'), ["a � b"]),
        "list": as_it_is(b"[1,2,3]\n"),
        "brace": as_it_is(b"{\n"),
        "half": as_it_is(b"half a line"),
    }
